package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

// assets are the stylesheet, the script and the icon.
//
//go:embed assets/*
var assets embed.FS

// asset is a file under a name that changes with its content, so that browsers may
// keep it for ever.
type asset struct {
	data        []byte
	contentType string
}

// assetNames are by file, style.css to style.1f3a5c7e.css; assetFiles by that name.
var assetNames, assetFiles = readAssets()

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// readAssets reads the embedded files. One that cannot be read is a mistake in this
// package, which its tests find.
func readAssets() (names map[string]string, files map[string]asset) {
	names, files = make(map[string]string), make(map[string]asset)
	entries, err := assets.ReadDir("assets")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		data, err := assets.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		extension := path.Ext(entry.Name())
		name := strings.TrimSuffix(entry.Name(), extension) + "." + hex.EncodeToString(sum[:4]) + extension
		names[entry.Name()] = name
		files[name] = asset{data, contentTypes[extension]}
	}
	return names, files
}

// assetPath is where a file is served.
func assetPath(file string) string { return root + "/assets/" + assetNames[file] }

func serveAsset(w http.ResponseWriter, r *http.Request) {
	found, ok := assetFiles[r.PathValue("name")]
	if !ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("no such file\n")) // into memory
		return
	}
	w.Header().Set("Content-Type", found.contentType)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(found.data) // into memory
}
