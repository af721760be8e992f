package privileges_test

import (
	"fmt"
	"go/ast"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/mediahooks/mediahooks/infra/privileges"
)

const module = "github.com/mediahooks/mediahooks/"

// reach finds what a program of ours may come to call of AWS. It follows every
// function, method and variable that is named; a method that is called through an
// interface leads to the methods of that name and signature of every type of ours
// that is named on the way. Packages see each other as export data, so that what is
// the same is told by its name.
type reach struct {
	declared map[string]body            // functions and methods, by full name
	initial  map[string][]body          // what package variables are set to, by package
	types    map[string]*types.TypeName // our types
	reached  map[string]bool
	packages map[string]bool
	named    map[string]bool // types
	called   map[string]bool // methods of interfaces: name and signature
	found    map[privileges.Operation]bool
}

// body is a piece of code and what the names in it are.
type body struct {
	node ast.Node
	info *types.Info
}

// load reads the functions and all packages that they are made of.
func load(root string) (*reach, error) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile,
		Dir:  root,
	}, "./functions/...", "./shared/...")
	if err != nil {
		return nil, err
	}
	r := &reach{declared: make(map[string]body), initial: make(map[string][]body), types: make(map[string]*types.TypeName)}
	for _, p := range loaded {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("load %s: %w", p.PkgPath, p.Errors[0])
		}
		for _, file := range p.Syntax {
			for _, decl := range file.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if f, ok := p.TypesInfo.Defs[d.Name].(*types.Func); ok {
						r.declared[f.FullName()] = body{d, p.TypesInfo}
					}
				case *ast.GenDecl:
					r.initial[p.PkgPath] = append(r.initial[p.PkgPath], body{d, p.TypesInfo})
				}
			}
		}
		for _, name := range p.Types.Scope().Names() {
			if t, ok := p.Types.Scope().Lookup(name).(*types.TypeName); ok && !t.IsAlias() {
				r.types[t.Pkg().Path()+"."+t.Name()] = t
			}
		}
	}
	return r, nil
}

// operations returns what the main function of a package may come to call.
func (r *reach) operations(pkg string) []privileges.Operation {
	r.reached, r.packages = make(map[string]bool), make(map[string]bool)
	r.named, r.called = make(map[string]bool), make(map[string]bool)
	r.found = make(map[privileges.Operation]bool)
	r.function(pkg+".main", pkg)
	for before := -1; before != len(r.reached); {
		before = len(r.reached)
		for name := range r.named {
			r.dispatch(r.types[name])
		}
	}
	all := make([]privileges.Operation, 0, len(r.found))
	for o := range r.found {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b privileges.Operation) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// dispatch follows the methods of a type that are called through interfaces.
func (r *reach) dispatch(t *types.TypeName) {
	methods := types.NewMethodSet(types.NewPointer(t.Type()))
	for i := range methods.Len() {
		if m, ok := methods.At(i).Obj().(*types.Func); ok && r.called[signature(m)] {
			r.function(m.FullName(), m.Pkg().Path())
		}
	}
}

// signature is a method's name and types, whatever its parameters are called.
func signature(f *types.Func) string {
	of := func(tuple *types.Tuple) string {
		var all []string
		for v := range tuple.Variables() {
			all = append(all, types.TypeString(v.Type(), nil))
		}
		return "(" + strings.Join(all, ",") + ")"
	}
	return f.Name() + of(f.Signature().Params()) + of(f.Signature().Results())
}

// function follows what a function names, once.
func (r *reach) function(name, pkg string) {
	b, ours := r.declared[name]
	if !ours || r.reached[name] {
		return
	}
	r.reached[name] = true
	if !r.packages[pkg] {
		r.packages[pkg] = true
		for _, variable := range r.initial[pkg] {
			r.follow(variable)
		}
	}
	r.follow(b)
}

func (r *reach) follow(b body) {
	ast.Inspect(b.node, func(node ast.Node) bool {
		name, ok := node.(*ast.Ident)
		if !ok {
			return true
		}
		switch used := b.info.Uses[name].(type) {
		case *types.Func:
			r.use(used)
		case *types.TypeName:
			r.name(used)
		}
		return true
	})
}

func (r *reach) name(t *types.TypeName) {
	if t.Pkg() == nil {
		return
	}
	if full := t.Pkg().Path() + "." + t.Name(); r.types[full] != nil {
		r.named[full] = true
	}
}

func (r *reach) use(f *types.Func) {
	f = f.Origin()
	if o, ok := operation(f); ok {
		r.found[o] = true
		return
	}
	if f.Pkg() == nil { // error's
		return
	}
	recv := f.Signature().Recv()
	if recv != nil && types.IsInterface(recv.Type()) {
		r.called[signature(f)] = true
		return
	}
	r.function(f.FullName(), f.Pkg().Path())
}

var (
	input     = regexp.MustCompile(`\*github\.com/aws/aws-sdk-go-v2/service/([a-z]+)\.([A-Za-z]+)Input$`)
	paginator = regexp.MustCompile(`^github\.com/aws/aws-sdk-go-v2/service/([a-z]+)\.New([A-Za-z]+)(?:Paginator|Waiter)$`)
	// signedAs are the services whose calls are signed for another name than that
	// of their package.
	signedAs = map[string]string{"sfn": "states", "cloudwatchlogs": "logs"}
)

// operation tells whether a function is an operation of the SDK's, or an interface's
// method that stands for one: it takes its input. Or it pages through one.
func operation(f *types.Func) (privileges.Operation, bool) {
	found := paginator.FindStringSubmatch(f.FullName())
	if params := f.Signature().Params(); found == nil && f.Signature().Recv() != nil && params.Len() >= 2 {
		found = input.FindStringSubmatch(types.TypeString(params.At(1).Type(), nil))
		if found != nil && found[2] != f.Name() {
			return privileges.Operation{}, false
		}
	}
	if found == nil {
		return privileges.Operation{}, false
	}
	service := found[1]
	if signed, ok := signedAs[service]; ok {
		service = signed
	}
	return privileges.Operation{Service: service, Name: found[2]}, true
}
