// Package imports holds no code, only the tests that keep the layers apart: who may import, reach and link what.
// rules_test.go is the list; docs/architecture.md draws it. depguard (.golangci.yml) says some of it earlier, in the
// editor, but sees direct imports only. One more test holds docs/testing.md to the tests that it names.
package imports
