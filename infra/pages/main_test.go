package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

func TestPagesAreCurrent(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\(\.\./([^)#]+)[^)]*\)`)
	for name, write := range pages {
		want, err := write(root)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is stale: run make docs (-want +got)\n%s", name, diff)
		}
		for _, to := range link.FindAllStringSubmatch(want, -1) {
			if _, err := os.Stat(filepath.Join(root, to[1])); err != nil {
				t.Errorf("%s links to %v", name, err)
			}
		}
	}
}
