package outbound_test

import (
	"flag"
	"io"
	"log"
	"os"
	"testing"
)

// TestMain also plays the processes that frozen_linux_test.go stops and kills.
func TestMain(m *testing.M) {
	// net/http logs what hostile receivers send.
	log.SetOutput(io.Discard)
	if play, ok := parts[os.Getenv("OUTBOUND_TEST_PART")]; ok {
		play()
		return
	}
	// Most of these tests wait for a time to pass, and not for the processor.
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set("8")
	}
	os.Exit(m.Run())
}

// parts are what a child process of the tests can do instead of testing.
var parts = map[string]func(){}
