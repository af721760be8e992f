package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
)

// parts are the operations that can be answered in parts, and how.
var parts = map[string]func(exchange, []byte) *answer{
	"BatchExecuteStatement": exchange.someStatements,
	"BatchGetItem":          exchange.someKeys,
	"SendMessageBatch":      exchange.someEntries,
}

// fields are a JSON object's, as they are.
type fields map[string]json.RawMessage

// lot is what becomes of one part of a batch.
type lot int

const (
	done lot = iota
	// withheld is not executed and said to have failed; hidden is executed and
	// said to have failed.
	withheld
	hidden
)

func (x exchange) drawLots(n int) []lot {
	lots := make([]lot, n)
	for i := range lots {
		lots[i] = pick(x.dice, done, withheld, hidden)
	}
	return lots
}

// asked decodes a request and the list in one of its fields. What a process of
// ours sends can be decoded.
func asked(body []byte, name string) (all fields, list []json.RawMessage, err error) {
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, nil, err
	}
	return all, list, json.Unmarshal(all[name], &list)
}

// executeSome executes the parts that are not withheld, in the field of that name.
func (x exchange) executeSome(all fields, name string, list []json.RawMessage, lots []lot) *answer {
	var some []json.RawMessage
	for i, part := range list {
		if lots[i] != withheld {
			some = append(some, part)
		}
	}
	return x.executeUnless(len(some) == 0, all, name, some)
}

// executeUnless executes a request with another value in one of its fields, and
// answers {} where there is nothing to do.
func (x exchange) executeUnless(nothing bool, all fields, name string, value any) *answer {
	if nothing {
		return &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, body: []byte("{}")}
	}
	all[name] = encode(value)
	return x.execute(encode(all))
}

// someStatements has some statements of a BatchExecuteStatement fail.
func (x exchange) someStatements(body []byte) *answer {
	all, list, err := asked(body, "Statements")
	if err != nil {
		return x.cannot(err)
	}
	lots := x.drawLots(len(list))
	a := x.executeSome(all, "Statements", list, lots)
	if a == nil || a.status != http.StatusOK {
		return a
	}
	var said struct{ Responses []json.RawMessage }
	if err := json.Unmarshal(a.body, &said); err != nil {
		return x.cannot(err)
	}
	responses := make([]json.RawMessage, len(list))
	at := 0
	for i, lot := range lots {
		if lot != withheld {
			responses[i] = said.Responses[at]
			at++
		}
		switch lot {
		case withheld:
			responses[i] = statementFault(pick(x.dice, "ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded", "InternalServerError"))
		case hidden:
			responses[i] = statementFault("InternalServerError")
		}
	}
	a.body = encode(map[string]any{"Responses": responses})
	return a
}

func statementFault(code string) json.RawMessage {
	return encode(map[string]any{"Error": map[string]string{"Code": code, "Message": "made up by the fault test"}})
}

// someKeys leaves keys of a BatchGetItem unprocessed.
func (x exchange) someKeys(body []byte) *answer {
	var all fields
	tables, left := make(map[string]fields), make(map[string]fields)
	if err := errors.Join(json.Unmarshal(body, &all), json.Unmarshal(all["RequestItems"], &tables)); err != nil {
		return x.cannot(err)
	}
	for table, request := range tables {
		var keys, now, later []json.RawMessage
		if err := json.Unmarshal(request["Keys"], &keys); err != nil {
			return x.cannot(err)
		}
		for i, lot := range x.drawLots(len(keys)) {
			if lot == done {
				now = append(now, keys[i])
			} else {
				later = append(later, keys[i])
			}
		}
		if len(later) > 0 {
			left[table] = maps.Clone(request)
			left[table]["Keys"] = encode(later)
		}
		if request["Keys"] = encode(now); len(now) == 0 {
			delete(tables, table)
		}
	}
	a := x.executeUnless(len(tables) == 0, all, "RequestItems", tables)
	var said fields
	if a == nil || a.status != http.StatusOK {
		return a
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		return x.cannot(err)
	}
	said["UnprocessedKeys"] = encode(left)
	a.body = encode(said)
	return a
}

// someEntries has some entries of a SendMessageBatch fail.
func (x exchange) someEntries(body []byte) *answer {
	all, list, err := asked(body, "Entries")
	if err != nil {
		return x.cannot(err)
	}
	lots := x.drawLots(len(list))
	a := x.executeSome(all, "Entries", list, lots)
	if a == nil || a.status != http.StatusOK {
		return a
	}
	var said struct{ Successful, Failed []fields }
	if err := json.Unmarshal(a.body, &said); err != nil {
		return x.cannot(err)
	}
	refused := make(map[string]bool)
	for i, lot := range lots {
		if lot == done {
			continue
		}
		var entry fields
		if err := json.Unmarshal(list[i], &entry); err != nil {
			return x.cannot(err)
		}
		refused[string(entry["Id"])] = true
		said.Failed = append(said.Failed, fields{
			"Id": entry["Id"], "Code": encode("InternalError"), "SenderFault": encode(false), "Message": encode("made up by the fault test"),
		})
	}
	var successful []fields
	for _, entry := range said.Successful {
		if !refused[string(entry["Id"])] {
			successful = append(successful, entry)
		}
	}
	a.body = encode(map[string]any{"Successful": successful, "Failed": said.Failed})
	return a
}

// cannot reports what only a fault of this test can cause.
func (x exchange) cannot(err error) *answer {
	x.process.round.fail(fmt.Errorf("answer %s partly: %w", x.operation, err))
	return nil
}

// encode gives the JSON of what can always be encoded.
func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
