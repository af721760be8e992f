package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
)

// colours is how many a picture keeps.
const colours = 32

// reduce writes a PNG anew with few colours, which makes it a tenth of its size.
// Pages have few, and shades of letters' edges.
func reduce(data []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	counts := make(map[color.RGBA]int)
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(full, x, y)]++
		}
	}
	palette, nearest := choose(counts)
	small := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, nearest[at(full, x, y)])
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		return nil, fmt.Errorf("write picture: %w", err)
	}
	return out.Bytes(), nil
}

func at(of image.Image, x, y int) color.RGBA {
	r, g, b, _ := of.At(x, y).RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xff}
}

// choose takes the most frequent colour, then again and again the one of which the
// most is seen wrong with those taken so far, and says which stands for each.
func choose(counts map[color.RGBA]int) (color.Palette, map[color.RGBA]uint8) {
	all := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int { // the same each time
		return slices.Compare([]uint8{a.R, a.G, a.B}, []uint8{b.R, b.G, b.B})
	})
	var palette color.Palette
	nearest := make(map[color.RGBA]uint8, len(all))
	wrong := make(map[color.RGBA]int, len(all))
	for _, c := range all {
		wrong[c] = 1 << 18
	}
	for len(palette) < min(colours, len(all)) {
		next, most := all[0], -1
		for _, c := range all {
			if w := wrong[c] * wrong[c] * counts[c]; w > most {
				next, most = c, w
			}
		}
		for _, c := range all {
			if d := distance(c, next); d < wrong[c] {
				wrong[c], nearest[c] = d, uint8(len(palette))
			}
		}
		palette = append(palette, next)
	}
	return palette, nearest
}

// distance is the square of how far two colours lie apart.
func distance(a, b color.RGBA) int {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r + g*g + bl*bl
}
