// Racing prints a pattern for go test -run: the tests of a package that start goroutines, themselves or in a
// function of the package's tests that they call. The others do one thing after another, each with what is its own;
// under the race detector they take minutes and find nothing.
//
//	go test -race -run "$(go run ./scripts/racing ./internal/app)" ./internal/app
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: racing directory…")
		os.Exit(2)
	}
	var names []string
	for _, dir := range os.Args[1:] {
		found, err := racing(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, "racing:", err)
			os.Exit(1)
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		fmt.Fprintln(os.Stderr, "racing: no test starts a goroutine")
		os.Exit(1)
	}
	fmt.Printf("^(%s)$\n", strings.Join(names, "|"))
}

// racing returns the names of the tests in dir that start goroutines. Functions are told apart by name only:
// two methods of one name count as one, so that rather too many tests are found.
func racing(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	calls := map[string]map[string]bool{} // function → names it mentions
	starts := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			mentions := calls[f.Name.Name]
			if mentions == nil {
				mentions = map[string]bool{}
				calls[f.Name.Name] = mentions
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					starts[f.Name.Name] = true
				case *ast.SelectorExpr:
					mentions[n.Sel.Name] = true
					if n.Sel.Name == "Go" {
						starts[f.Name.Name] = true
					}
				case *ast.Ident:
					mentions[n.Name] = true
				}
				return true
			})
		}
	}
	for grew := true; grew; {
		grew = false
		for f, mentions := range calls {
			for m := range mentions {
				if starts[m] && !starts[f] {
					starts[f], grew = true, true
				}
			}
		}
	}
	var names []string
	for f := range starts {
		if strings.HasPrefix(f, "Test") && f != "TestMain" {
			names = append(names, f)
		}
	}
	slices.Sort(names)
	return names, nil
}
