package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "suiyue/"

// source is one parsed Go file of the product.
type source struct {
	path    string // from the root, with slashes
	dir     string
	test    bool
	lines   int
	file    *ast.File
	imports []string
}

// layer is what a folder may import of this module. The first entry whose dir is the folder or holds
// it counts.
type layer struct {
	dir   string
	may   []string // folders, with everything below them
	never []string // exceptions to may
}

var layers = []layer{
	{dir: "internal/domain", may: []string{"internal/domain"}},
	{dir: "internal/store/storetest", may: []string{"internal/domain", "internal/store", "internal/pgtest"}},
	{dir: "internal/store", may: []string{"internal/domain"}},
	{dir: "internal/batch", may: []string{"internal/domain"}},
	{dir: "internal/app/apptest", may: []string{"internal", "data"}, never: []string{"internal/server", "internal/web"}},
	{dir: "internal/app", may: []string{"internal/domain", "internal/store", "internal/batch"}},
	{dir: "internal/jobs", may: []string{"internal/domain", "internal/store", "internal/app"}},
	{dir: "internal/gate/identity", may: []string{"internal/domain", "internal/gate/identity"}},
	{dir: "internal/gate/sms", may: []string{"internal/domain", "internal/gate/sms"}},
	{dir: "internal/gate/egress", may: []string{"internal/gate/egress"}},
	{dir: "internal/gate/department", may: []string{"internal/domain", "internal/gate/department", "internal/gate/egress", "internal/gate/sign"}},
	{dir: "internal/gate/webhook", may: []string{"internal/domain", "internal/gate/egress", "internal/gate/webhook"}},
	{dir: "internal/gate/cipher", may: []string{"internal/domain", "internal/gate/cipher"}},
	{dir: "internal/gate/sign", may: []string{"internal/domain", "internal/gate/sign"}},
	{dir: "internal/web/ui", may: []string{"internal/domain", "internal/web", "internal/web/ui"}, never: faces},
	{dir: "internal/web/api", may: []string{"internal/domain", "internal/app", "internal/web", "internal/gate/identity", "internal/gate/sign"}, never: others("internal/web/api")},
	{dir: "internal/web/citizen", may: []string{"internal/domain", "internal/app", "internal/web", "internal/gate/identity"}, never: others("internal/web/citizen")},
	{dir: "internal/web/console", may: []string{"internal/domain", "internal/app", "internal/web"}, never: others("internal/web/console")},
	{dir: "internal/web/hall", may: []string{"internal/domain", "internal/app", "internal/web"}, never: others("internal/web/hall")},
	{dir: "internal/web", may: []string{"internal/domain"}},
	{dir: "internal/bridge", may: []string{"internal/domain"}},
	{dir: "internal/conform", may: []string{"internal/domain", "internal/gate/department", "internal/gate/sign"}},
	{dir: "internal/pgtest"},
	{dir: "internal/bench", may: []string{"internal"}, never: []string{"internal/server"}},
	{dir: "internal/server", may: []string{"internal", "data"}, never: []string{"internal/bench"}},
	{dir: "cmd", may: []string{"internal/server", "internal/bench", "internal/bridge", "internal/conform", "cmd"}},
	{dir: "scripts", may: []string{"internal/pgtest"}},
	{dir: "data"},
}

// faces are the folders under web that never import each other.
var faces = []string{"internal/web/api", "internal/web/citizen", "internal/web/console", "internal/web/hall"}

func others(face string) []string {
	return slices.DeleteFunc(slices.Clone(faces), func(f string) bool { return f == face })
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if s.test { // a test may look at its package from any side
			continue
		}
		i := slices.IndexFunc(layers, func(l layer) bool { return within(s.dir, l.dir) })
		if i < 0 {
			if within(s.dir, "internal") || within(s.dir, "cmd") {
				t.Errorf("%s: no layer says what %s may import; add it to the table", s.path, s.dir)
			}
			continue
		}
		l := layers[i]
		for _, imp := range s.imports {
			target, ours := strings.CutPrefix(imp, module)
			if !ours || target == s.dir {
				continue
			}
			if !slices.ContainsFunc(l.may, func(d string) bool { return within(target, d) }) || slices.ContainsFunc(l.never, func(d string) bool { return within(target, d) }) {
				t.Errorf("%s imports %s: %s may not", s.path, target, l.dir)
			}
		}
	}
}

func TestDomainIsStandardLibraryOnlyAndPure(t *testing.T) {
	impure := []string{"os", "net", "net/http", "database/sql", "math/rand", "math/rand/v2", "syscall", "log", "log/slog", "runtime"}
	for _, s := range sources(t) {
		if !within(s.dir, "internal/domain") || s.test {
			continue
		}
		for _, imp := range s.imports {
			first, _, _ := strings.Cut(imp, "/")
			if strings.Contains(first, ".") {
				t.Errorf("%s imports %s: domain has the standard library only", s.path, imp)
			}
			if slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: domain does no input, output or chance", s.path, imp)
			}
		}
	}
}

func TestSQLIsInStoreOnly(t *testing.T) {
	drivers := []string{"database/sql", "github.com/jackc/pgx", "modernc.org/sqlite", "github.com/pressly/goose"}
	// pgtest makes and drops the databases of tests; it holds no statement of the product.
	allowed := []string{"internal/store", "internal/pgtest"}
	for _, s := range sources(t) {
		if slices.ContainsFunc(allowed, func(d string) bool { return within(s.dir, d) }) {
			continue
		}
		for _, imp := range s.imports {
			if slices.ContainsFunc(drivers, func(d string) bool { return within(imp, d) }) {
				t.Errorf("%s imports %s: only store speaks SQL", s.path, imp)
			}
		}
	}
}

// clocks are the places that may read the time themselves, each with its reason.
var clocks = map[string]string{
	"cmd":             "the edge",
	"internal/server": "the edge: its Clock is what everything else is given",
	"internal/bench":  "measures real time",
	"internal/pgtest": "waits for a server of the tests",
	"scripts":         "tools of the build",
	"examples":        "programs of others",
	"internal/store":  "measures how long statements take; instants that mean something come from Options.Now",
	// An identity provider's certificates and discovery are timed by the network, not by the product.
	"internal/gate/identity/identitytest": "a conformance run over real HTTP",
}

func TestTimeComesFromOutside(t *testing.T) {
	reads := []string{"Now", "Since", "Until"}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		allowed := false
		for dir := range clocks {
			allowed = allowed || within(s.dir, dir)
		}
		name := importName(s.file, "time")
		if allowed || name == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && slices.Contains(reads, sel.Sel.Name) {
				t.Errorf("%s: time.%s: the time is given, not taken", s.path, sel.Sel.Name)
			}
			return true
		})
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > 700 {
			t.Errorf("%s has %d lines; 700 are enough", s.path, s.lines)
		}
	}
}

func TestNoTestIsSkipped(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && !strings.Contains(s.dir, "test") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				switch sel.Sel.Name {
				case "Skip", "Skipf", "SkipNow":
					if x, ok := sel.X.(*ast.Ident); ok && (x.Name == "t" || x.Name == "b" || x.Name == "tb") {
						t.Errorf("%s: %s.%s: a test that cannot run fails", s.path, x.Name, sel.Sel.Name)
					}
				}
			}
			return true
		})
	}
}

func TestNoUtilPackage(t *testing.T) {
	for _, s := range sources(t) {
		switch path.Base(s.dir) {
		case "util", "utils", "common", "helpers", "misc":
			t.Errorf("%s: %s says nothing about what it is for", s.path, path.Base(s.dir))
		}
	}
}

func within(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

func importName(f *ast.File, imp string) string {
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil && p == imp {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(imp)
		}
	}
	return ""
}

// sources parses every hand-written Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	var out []source
	set := token.NewFileSet()
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || strings.HasPrefix(name, ".") && p != root || name == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(set, p, text, parser.ParseComments)
		if err != nil {
			return err
		}
		if ast.IsGenerated(f) {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		s := source{path: rel, dir: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), lines: strings.Count(string(text), "\n"), file: f}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imp)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d files found below %s", len(out), root)
	}
	return out
}
