package payload

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// member is a member of an open object, by its places in the output.
type member struct {
	// The quoted name is from start to named; stop ends the value, and is known
	// when the object is.
	start, named, stop int
	// rank is where the member goes among the others: see rankOf.
	rank int64
}

// Ranks beyond those of array indexes.
const (
	inOrder = 1 << 32 // any other name: as it came
	dropped = 1 << 33 // not written
)

// object is an object that is being read.
type object struct {
	// body is where the first member begins in the output.
	body int
	// first is the first member, and given the first that was read: names are
	// compared from there on.
	first, given int
	// slots index the given members by the hash of their names, once they are
	// too many to be compared one by one: member's number + 1, 0 for a free slot.
	slots []int32
	// highest is the last rank; disorder says that one was lower than that, or
	// that a member is to be dropped.
	highest  int64
	disorder bool
}

// few is how many names are compared one by one. A hash table for fewer costs
// more than it saves; without one for many, an object of 40,000 keys takes
// seconds.
const few = 32

// seed keeps hashes from being foreseen, and so collisions from being sent.
var seed = maphash.MakeSeed()

func (s *scanner) object() *Error {
	o, fault := s.open()
	if fault != nil {
		return fault
	}
	for {
		more, fault := s.name(&o)
		if fault != nil {
			return fault
		}
		if !more {
			s.arrange(&o)
			s.out = append(s.out, '}')
			return nil
		}
		i := len(s.members) - 1
		if s.depth == s.fixedAt && ofDynamicFolders(s.nameOf(i)) {
			s.drop(&o, i)
		}
		if fault := s.value(); fault != nil {
			return fault.within(memberStep(s.nameOf(i)))
		}
	}
}

func (s *scanner) open() (object, *Error) {
	if fault := s.enter(); fault != nil {
		return object{}, fault
	}
	s.out = append(s.out, '{')
	n := len(s.members)
	return object{body: len(s.out), first: n, given: n}, nil
}

// name reads a member's name and colon, and leaves the scanner before its value.
// It reports false where the object ends instead.
func (s *scanner) name(o *object) (bool, *Error) {
	more, fault := s.next('}', len(s.members) == o.given)
	if fault != nil || !more {
		return false, fault
	}
	s.space()
	at := s.pos
	if at == len(s.in) || s.in[at] != '"' {
		return false, s.unexpected()
	}
	if len(s.members) > o.first {
		s.out = append(s.out, ',')
	}
	start := len(s.out)
	if fault := s.text(); fault != nil {
		return false, fault
	}
	if name := s.out[start:]; s.isDuplicate(o, name) {
		return false, s.fault(at, "duplicate key "+clipQuoted(name))
	}
	s.space()
	if s.pos == len(s.in) || s.in[s.pos] != ':' {
		return false, s.unexpected()
	}
	s.pos++
	s.push(o, start)
	return true, nil
}

// add begins a member that was not read.
func (s *scanner) add(o *object, name string) {
	if len(s.members) > o.first {
		s.out = append(s.out, ',')
	}
	start := len(s.out)
	s.out = appendText(s.out, name)
	s.push(o, start)
}

// push notes the member whose name has just been written.
func (s *scanner) push(o *object, start int) {
	m := member{start: start, named: len(s.out), rank: rankOf(s.out[start:])}
	s.members = append(s.members, m)
	s.out = append(s.out, ':')
	if m.rank < o.highest {
		o.disorder = true
	}
	o.highest = m.rank
}

func (s *scanner) drop(o *object, i int) {
	s.members[i].rank = dropped
	o.disorder = true
}

func (s *scanner) nameOf(i int) []byte {
	return s.out[s.members[i].start:s.members[i].named]
}

// arrange closes an object by moving its members to where JavaScript has them.
func (s *scanner) arrange(o *object) {
	members := s.members[o.first:]
	s.members = s.members[:o.first]
	if !o.disorder {
		return
	}
	for i := range members {
		members[i].stop = len(s.out)
		if i+1 < len(members) {
			members[i].stop = members[i+1].start - 1
		}
	}
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.rank, b.rank) })
	written := bytes.Clone(s.out[o.body:])
	s.out = s.out[:o.body]
	for i, m := range members {
		if m.rank == dropped {
			break
		}
		if i > 0 {
			s.out = append(s.out, ',')
		}
		s.out = append(s.out, written[m.start-o.body:m.stop-o.body]...)
	}
}

// rankOf ranks a quoted name. JavaScript lists the properties of an object whose
// names are array indexes, "0" to "4294967294", in ascending order and before all
// others (ECMA-262, OrdinaryOwnPropertyKeys).
func rankOf(quoted []byte) int64 {
	digits := quoted[1 : len(quoted)-1]
	if len(digits) == 0 || len(digits) > 10 || digits[0] == '0' && len(digits) > 1 {
		return inOrder
	}
	var index int64
	for _, c := range digits {
		if !isDigit(c) {
			return inOrder
		}
		index = index*10 + int64(c-'0')
	}
	if index > 1<<32-2 {
		return inOrder
	}
	return index
}

// isDuplicate reports whether the object has a member of that quoted name. The
// canonical form of two strings is the same where the strings are, however they
// were escaped.
func (s *scanner) isDuplicate(o *object, name []byte) bool {
	given := s.members[o.given:]
	if len(given) < few {
		for _, m := range given {
			if m.named-m.start == len(name) && bytes.Equal(s.out[m.start:m.named], name) {
				return true
			}
		}
		return false
	}
	if 2*len(given) >= len(o.slots) {
		s.index(o, given)
	}
	i := o.slot(name)
	for ; o.slots[i] != 0; i = (i + 1) % len(o.slots) {
		m := given[o.slots[i]-1]
		if bytes.Equal(s.out[m.start:m.named], name) {
			return true
		}
	}
	o.slots[i] = int32(len(given) + 1)
	return false
}

// index puts the given members into slots of twice the number needed, so that
// each name goes through it but a few times.
func (s *scanner) index(o *object, given []member) {
	o.slots = make([]int32, 4*len(given))
	for number, m := range given {
		i := o.slot(s.out[m.start:m.named])
		for o.slots[i] != 0 {
			i = (i + 1) % len(o.slots)
		}
		o.slots[i] = int32(number + 1)
	}
}

// slot is where the search for a name begins.
func (o *object) slot(name []byte) int {
	return int(maphash.Bytes(seed, name) % uint64(len(o.slots)))
}
