package intake

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/request"
)

// IDs makes the ids of events, deliveries and rows of the log: ULIDs of a time,
// whose other half is random rather than counted upwards, because what has an id is
// spread over partitions by its last letter. While a process makes few, that letter
// is 0: the log of a quiet environment then is in one partition an hour, and read
// with one query, while that of a busy one is in sixteen. It is safe for concurrent
// use; the zero value and nil make ids.
type IDs struct {
	mu     sync.Mutex
	second int64
	made   int
}

// quietIDs is how many ids a second of one process stay together. A partition takes
// 1,000 writes a second, and processes that make so few are at most a hundred.
const quietIDs = 10

func (s *IDs) next(at time.Time) string {
	id := ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
	if s.quiet(at) {
		return id[:len(id)-1] + "0"
	}
	return id
}

func (s *IDs) quiet(at time.Time) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := at.Unix(); second != s.second {
		s.second, s.made = second, 0
	}
	s.made++
	return s.made <= quietIDs
}

// publicIDs finds the assets that a payload names: its own, those of a rename, and
// those of a list or map of resources.
func publicIDs(raw []byte) []string {
	var ids []string
	for _, object := range append([][]byte{raw}, resources(raw)...) {
		fields, err := payload.Fields(object)
		if err != nil {
			continue // no object; a payload that is none has been refused
		}
		o := request.Of("", fields)
		for _, name := range []string{"public_id", "from_public_id", "to_public_id"} {
			// One that is not a text cannot be searched for, and is told like any other.
			if id := o.Text(name); id != "" && len(id) <= maxText && len(ids) < notification.MaxPublicIDs {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// resources returns the entries of a payload's resources, an array or an object,
// at most as many as are searched.
func resources(raw []byte) [][]byte {
	fields, err := payload.Fields(raw)
	if err != nil {
		return nil
	}
	given := request.Of("", fields).Raw("resources")
	if given == nil {
		return nil
	}
	list, err := payload.Elements(given)
	if err != nil {
		fields, err := payload.Fields(given)
		if err != nil {
			return nil
		}
		for _, f := range fields {
			list = append(list, f.Raw)
		}
	}
	return list[:min(len(list), notification.MaxPublicIDs)]
}
