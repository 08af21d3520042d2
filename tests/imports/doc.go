// Package imports holds no code, only the test that keeps the layers apart: who may import, reach and link what.
// rules_test.go is the list; docs/architecture.md draws it. depguard (.golangci.yml) says some of it earlier, in the
// editor, but sees direct imports only.
package imports
