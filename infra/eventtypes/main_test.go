package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

func TestPageIsCurrent(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(pagePath(root))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(render(), string(got)); diff != "" {
		t.Errorf("docs/event-types.md is stale: run make docs (-want +got)\n%s", diff)
	}
}

func TestLinkedSchemasAreThere(t *testing.T) {
	root, err := workspace.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range regexp.MustCompile(`\(\.\./([^)]+)\)`).FindAllStringSubmatch(render(), -1) {
		if _, err := os.Stat(filepath.Join(root, link[1])); err != nil {
			t.Error(err)
		}
	}
}
