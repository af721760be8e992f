// Package arch_test holds the source against the project's own rules: which
// package may import which, and what every package must have.
package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mediahooks/mediahooks/"

// What each kind of package may import of ours and of others, tests aside. The
// domain imports nothing; pure packages the domain; stages what is pure; adapters
// the domain and their SDK. No stage imports a stage, no adapter an adapter.
var (
	domain = []string{module + "shared/notification"}
	pure   = append([]string{
		module + "shared/catalog", module + "shared/payload", module + "shared/signature",
		module + "shared/retry", module + "shared/lane", module + "shared/request", module + "shared/misfit",
	}, domain...)
	aws = "github.com/aws/aws-sdk-go-v2/"
)

// mayImport gives, for each package, the prefixes of the imports beyond the
// standard library that its files may have.
var mayImport = map[string][]string{
	"shared/notification": {},

	"shared/catalog":   domain,
	"shared/lane":      domain,
	"shared/misfit":    with(domain, module+"shared/catalog", "github.com/santhosh-tekuri/jsonschema/v6"), // judges by its schemas
	"shared/payload":   with(domain, "github.com/klauspost/compress/zstd"),
	"shared/request":   with(domain, module+"shared/payload"), // the JSON that requests and payloads come in is one
	"shared/retry":     domain,
	"shared/signature": with(domain, module+"shared/payload"), // explains by how bodies are written

	"shared/delivery": pure,
	"shared/history":  with(pure, "github.com/oklog/ulid/v2"),
	"shared/intake":   with(pure, "github.com/oklog/ulid/v2"),
	"shared/registry": pure,

	"shared/outbound": with(domain, "golang.org/x/net/"),
	"shared/queue":    with(domain, aws, "golang.org/x/sync/"),
	"shared/secret":   with(domain, aws),
	"shared/store":    with(domain, aws, "github.com/oklog/ulid/v2", "golang.org/x/sync/"),
	"shared/vault":    with(domain, aws, "golang.org/x/sync/"),
	"shared/workflow": with(domain, aws),

	"shared/config":    with(pure, "github.com/caarlos0/env/v11"),
	"shared/telemetry": domain,
	"shared/web":       with(pure, "github.com/aws/aws-lambda-go/events", "github.com/awslabs/aws-lambda-go-api-proxy/"),

	// How each function begins, in one place.
	"shared/function": with(domain, aws, "github.com/aws/aws-lambda-go/lambda", module+"shared/config", module+"shared/outbound", module+"shared/telemetry"),

	// What people see is made of what the stages answer.
	"shared/console": with(pure, "github.com/oklog/ulid/v2", module+"shared/registry", module+"shared/intake", module+"shared/history", module+"shared/web"),

	"shared/notificationtest": with(pure, "github.com/google/go-cmp/", "github.com/oklog/ulid/v2",
		module+"shared/intake", module+"shared/delivery", module+"shared/registry"),
}

func with(some []string, more ...string) []string {
	return append(append([]string{}, some...), more...)
}

// files calls check for every Go file below a folder but tests.
func files(t *testing.T, folder string, check func(name string, file *ast.File)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), folder, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
		if err != nil {
			return err
		}
		check(name, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func imports(t *testing.T, file *ast.File) []string {
	t.Helper()
	var all []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
			all = append(all, imported)
		}
	}
	return all
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

func TestSharedImports(t *testing.T) {
	files(t, "shared", func(name string, file *ast.File) {
		allowed, ok := mayImport[path.Dir(name)]
		if !ok {
			t.Errorf("%s: its package has no line in mayImport", name)
		}
		for _, imported := range imports(t, file) {
			if !hasAnyPrefix(imported, allowed) {
				t.Errorf("%s may not import %s", name, imported)
			}
		}
	})
}

// Only functions see Lambda's types, besides web, which translates them, and function,
// which hands itself to Lambda.
func TestWhoSeesLambda(t *testing.T) {
	for _, folder := range []string{"shared", "infra"} {
		files(t, folder, func(name string, file *ast.File) {
			for _, imported := range imports(t, file) {
				if strings.HasPrefix(imported, "github.com/aws/aws-lambda-go") && path.Dir(name) != "shared/web" && path.Dir(name) != "shared/function" {
					t.Errorf("%s may not import %s", name, imported)
				}
			}
		})
	}
}

// The environment is read, and the fakes are used, in no package but mains and
// tests.
func TestFunctionsTie(t *testing.T) {
	files(t, "functions", func(name string, file *ast.File) {
		for _, imported := range imports(t, file) {
			if imported == module+"shared/notificationtest" {
				t.Errorf("%s may not import %s", name, imported)
			}
		}
		if file.Name.Name != "main" {
			t.Errorf("%s: functions are commands", name)
		}
	})
	files(t, "shared", func(name string, file *ast.File) {
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if of, ok := call.X.(*ast.Ident); ok && of.Name == "os" && strings.HasSuffix(call.Sel.Name, "nv") {
				t.Errorf("%s may not read the environment", name)
			}
			return true
		})
	})
}

// Every package says what it is for, and no file has grown two rooms.
func TestPackagesAndFiles(t *testing.T) {
	documented := make(map[string]bool)
	for _, folder := range []string{"shared", "functions", "infra"} {
		files(t, folder, func(name string, file *ast.File) {
			documented[path.Dir(name)] = documented[path.Dir(name)] || file.Doc != nil
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if lines := strings.Count(string(src), "\n"); lines > 300 {
				t.Errorf("%s has %d lines, more than 300", name, lines)
			}
		})
	}
	for folder, has := range documented {
		if !has {
			t.Errorf("package %s has no comment", folder)
		}
	}
}
