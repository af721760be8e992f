package main

import (
	"errors"
	"fmt"
)

// The most dollars that a million deliveries may cost.
const (
	// mostSingle and mostListed are for delivering: the design's figures.
	mostSingle = 4.00
	mostListed = 2.00
	// wholeSingle and wholeListed are for everything, logs and storage included:
	// what it comes to today and a tenth, so that nothing grows unseen.
	wholeSingle = 6.00
	wholeListed = 3.65
)

// check fails where a bill is too high.
func (b *bills) check() error {
	var errs []error
	for _, c := range []struct {
		what    string
		dollars float64
		most    float64
	}{
		{"to deliver, one event a call", b.single.of(delivering), mostSingle},
		{"to deliver, listed events", b.listed.of(delivering), mostListed},
		{"with logs and storage, one event a call", b.single.total(), wholeSingle},
		{"with logs and storage, listed events", b.listed.total(), wholeListed},
	} {
		if c.dollars > c.most {
			errs = append(errs, fmt.Errorf("a million deliveries %s cost $%.2f, more than $%.2f", c.what, c.dollars, c.most))
		}
	}
	return errors.Join(errs...)
}
