package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/mediahooks/mediahooks/shared/payload"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// starts tells, of each function, how long it takes from its start to its first
// question for work, and how large its binary is.
func (b *bench) starts(ctx context.Context) ([]row, error) {
	names, err := os.ReadDir(b.folder)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, name := range names {
		if !name.IsDir() {
			continue
		}
		f, err := start(ctx, b.folder, name.Name(), b.environ)
		if err != nil {
			return nil, err
		}
		var took time.Duration
		select {
		case took = <-f.ready:
		case <-time.After(time.Minute):
			return nil, fmt.Errorf("start %s: it does not ask for work: %s", f.name, f.log.String())
		}
		f.stop()
		binary, err := os.Stat(path.Join(b.folder, name.Name(), "bootstrap"))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{
			name.Name() + ": from its start to its first question for work", milliseconds(took),
			fmt.Sprintf("cold start without Lambda's own part; a binary of %.1f MiB", float64(binary.Size())/(1<<20)),
		})
	}
	return rows, nil
}

// pure measures what composing and signing a notification cost, by its length.
func (b *bench) pure(context.Context) ([]row, error) {
	var rows []row
	for _, kb := range []int{1, 64} {
		said := []byte(realPayload(kb << 10))
		body, err := payload.Compose("upload", said, payload.Context{TriggeredAt: time.Now(), Source: "api", ID: "bench"}, payload.Form{})
		if err != nil {
			return nil, err
		}
		perKB := func(operation func() error) (string, error) {
			n, began := 0, time.Now()
			for ; time.Since(began) < time.Second; n++ {
				if err := operation(); err != nil {
					return "", err
				}
			}
			each := float64(time.Since(began).Microseconds()) / float64(n)
			return fmt.Sprintf("%.2f us", each*1024/float64(len(body))), nil
		}
		compose, err := perKB(func() error {
			_, err := payload.Compose("upload", said, payload.Context{TriggeredAt: time.Now(), Source: "api", ID: "bench"}, payload.Form{})
			return err
		})
		if err != nil {
			return nil, err
		}
		sign, err := perKB(func() error {
			_, err := signature.Sign(signature.SHA1, body, 1_700_000_000, "secret")
			return err
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows,
			row{fmt.Sprintf("JSON writer, per KB of a body of %d KB", kb), compose, "one core"},
			row{fmt.Sprintf("signer, per KB of a body of %d KB", kb), sign, "SHA-1, one core"})
	}
	return rows, nil
}
