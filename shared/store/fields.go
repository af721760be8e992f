package store

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// fields reads the attributes of an item. One that is absent reads as the zero
// value; one of another type is remembered as the error.
type fields struct {
	attributes map[string]types.AttributeValue
	err        error
}

func (f *fields) wrong(name, want string) {
	if f.err == nil {
		f.err = fmt.Errorf("attribute %s: want a %s, got %T", name, want, f.attributes[name])
	}
}

func (f *fields) text(name string) string {
	switch v := f.attributes[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case nil:
	default:
		f.wrong(name, "string")
	}
	return ""
}

func (f *fields) number(name string) int64 {
	switch v := f.attributes[name].(type) {
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil {
			f.wrong(name, "whole number")
		}
		return n
	case nil:
	default:
		f.wrong(name, "number")
	}
	return 0
}

func (f *fields) duration(name string) time.Duration { return time.Duration(f.number(name)) }

// durations reads a list of numbers: nil where there is none.
func (f *fields) durations(name string) []time.Duration {
	list, ok := f.attributes[name].(*types.AttributeValueMemberL)
	if !ok {
		if f.attributes[name] != nil {
			f.wrong(name, "list")
		}
		return nil
	}
	durations := make([]time.Duration, len(list.Value))
	for i, v := range list.Value {
		element := fields{attributes: map[string]types.AttributeValue{name: v}}
		durations[i] = element.duration(name)
		if f.err == nil {
			f.err = element.err
		}
	}
	return durations
}

func (f *fields) time(name string) time.Time {
	n := f.number(name)
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (f *fields) expiry() time.Time {
	n := f.number("expires_at")
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

func (f *fields) binary(name string) []byte {
	switch v := f.attributes[name].(type) {
	case *types.AttributeValueMemberB:
		return v.Value
	case nil:
	default:
		f.wrong(name, "binary")
	}
	return nil
}

// texts reads a list of strings.
func (f *fields) texts(name string) []string {
	var texts []string
	list, ok := f.attributes[name].(*types.AttributeValueMemberL)
	if !ok {
		if f.attributes[name] != nil {
			f.wrong(name, "list")
		}
		return nil
	}
	for _, v := range list.Value {
		element := fields{attributes: map[string]types.AttributeValue{name: v}}
		texts = append(texts, element.text(name))
		if f.err == nil {
			f.err = element.err
		}
	}
	return texts
}

// set reads a set of strings, in no order.
func (f *fields) set(name string) []string {
	switch v := f.attributes[name].(type) {
	case *types.AttributeValueMemberSS:
		return v.Value
	case nil:
	default:
		f.wrong(name, "set of strings")
	}
	return nil
}

// within reads a map; it calls read only where there is one.
func (f *fields) within(name string, read func(*fields)) {
	switch v := f.attributes[name].(type) {
	case *types.AttributeValueMemberM:
		inner := fields{attributes: v.Value}
		read(&inner)
		if f.err == nil {
			f.err = inner.err
		}
	case nil:
	default:
		f.wrong(name, "map")
	}
}

func (f *fields) boolean(name string) bool {
	switch v := f.attributes[name].(type) {
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case nil:
	default:
		f.wrong(name, "boolean")
	}
	return false
}

// each calls read with every map of a list.
func (f *fields) each(name string, read func(*fields)) {
	list, ok := f.attributes[name].(*types.AttributeValueMemberL)
	if !ok {
		if f.attributes[name] != nil {
			f.wrong(name, "list")
		}
		return
	}
	for _, v := range list.Value {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok {
			f.wrong(name, "list of maps")
			return
		}
		inner := fields{attributes: m.Value}
		read(&inner)
		if f.err == nil {
			f.err = inner.err
		}
	}
}
