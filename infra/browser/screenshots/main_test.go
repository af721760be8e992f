package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/mediahooks/mediahooks/infra/browser/scene"
)

// Every page that is to be pictured is in its scene.
func TestChosenPagesAreThere(t *testing.T) {
	for _, state := range scene.States {
		s, err := scene.New(t.Context(), state)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range chosen {
			if c.state == state && !slices.ContainsFunc(s.Pages, func(p scene.Page) bool { return p.Name == c.name }) {
				t.Errorf("no page %s when %s", c.name, state)
			}
		}
	}
}

// docs/console has what its index shows, and the index is this command's.
func TestIndex(t *testing.T) {
	const folder = "../../../docs/console/"
	written, err := os.ReadFile(folder + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, index()) {
		t.Error("docs/console/README.md is not as make screenshots writes it")
	}
	for _, found := range regexp.MustCompile(`(?:src|srcset)="([^"]+)"`).FindAllSubmatch(written, -1) {
		if _, err := os.Stat(folder + string(found[1])); err != nil {
			t.Error(err)
		}
	}
}

// A reduced picture has few colours, and rare ones that stand out are among them.
func TestReduce(t *testing.T) {
	full := image.NewRGBA(image.Rect(0, 0, 300, 200))
	for y := range 200 {
		for x := range 300 {
			full.Set(x, y, color.RGBA{uint8(200 + x%50), uint8(200 + y%50), 240, 255})
		}
	}
	red := color.RGBA{200, 0, 0, 255}
	full.Set(7, 9, red)
	full.Set(8, 9, red)
	var data bytes.Buffer
	if err := png.Encode(&data, full); err != nil {
		t.Fatal(err)
	}
	reduced, err := reduce(data.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	small, err := png.Decode(bytes.NewReader(reduced))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[color.RGBA]bool)
	for y := range 200 {
		for x := range 300 {
			seen[at(small, x, y)] = true
			if d := distance(at(small, x, y), at(full, x, y)); d > 400 {
				t.Fatalf("(%d,%d) is %v, was %v", x, y, at(small, x, y), at(full, x, y))
			}
		}
	}
	if len(seen) > colours || !seen[red] {
		t.Errorf("%d colours, red among them: %t", len(seen), seen[red])
	}
}
