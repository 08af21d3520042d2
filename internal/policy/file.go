package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is the largest file of rules, in bytes: Cinder's own with every rule and comment has a tenth of it.
const maxFile = 1 << 20

// Load reads files in order and puts their rules over the defaults, later ones over earlier ones. The error is Problems, or
// what opening a file answered.
func Load(files ...string) (*Rules, error) {
	var written []*rule
	var problems Problems
	for _, name := range files {
		raw, err := readFile(name)
		if err != nil {
			return nil, err
		}
		rules, err := parseFile(raw, name)
		var found Problems
		if errors.As(err, &found) {
			problems = append(problems, found...)
		}
		written = append(written, rules...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return merge(written)
}

// Parse puts one file's text over the defaults; name stands in its problems.
func Parse(text []byte, name string) (*Rules, error) {
	rules, err := parseFile(text, name)
	if err != nil {
		return nil, err
	}
	return merge(rules)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = Problems{{Where: name, Text: fmt.Sprintf("the file is larger than %d bytes", maxFile)}}
	}
	return raw, err
}

// parseFile reads YAML, or JSON, which is YAML but for the tabs that may stand before a line.
func parseFile(text []byte, name string) ([]*rule, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		text = untab(text)
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil // nothing but comments
	case err != nil:
		return nil, notYAML(err, name)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, Problems{{Where: name, Text: "there is more than one YAML document; rules are one mapping of names to rules"}}
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, Problems{{Where: place(name, top), Text: "the file must be a mapping of names to rules"}}
	}
	return parseMapping(top, name)
}

func parseMapping(top *yaml.Node, name string) ([]*rule, error) {
	var rules []*rule
	var problems Problems
	seen := make(map[string]int)
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		where := place(name, key)
		fail := func(form string, args ...any) {
			problems = append(problems, Problem{Where: where, Text: fmt.Sprintf(form, args...)})
		}
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" || key.Value == "" {
			fail("the name of a rule must be a text")
			continue
		}
		if line := seen[key.Value]; line != 0 {
			fail("rule %q stands in line %d already", clip(key.Value), line)
			continue
		}
		seen[key.Value] = key.Line
		c, text, err := parseNode(value)
		if err != nil {
			fail("rule %q: %s", clip(key.Value), err)
			continue
		}
		rules = append(rules, &rule{name: key.Value, check: c, text: text, where: where})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return rules, nil
}

// parseNode reads a rule's value. Nothing at all is refused where oslo.policy would allow everybody: it is a slip of the hand.
func parseNode(n *yaml.Node) (check, string, error) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		c, err := parseRule(n.Value)
		return c, n.Value, err
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, "", errors.New(`it has no value; "@" allows everybody and "!" nobody`)
	case n.Kind != yaml.SequenceNode:
		return nil, "", errNotRule
	}
	rows := make([]any, len(n.Content))
	for i, row := range n.Content {
		v, err := plain(row)
		if err != nil {
			return nil, "", err
		}
		rows[i] = v
	}
	c, err := parseList(rows)
	return c, listText(rows), err
}

func plain(n *yaml.Node) (any, error) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		return n.Value, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, errNotRule
	}
	inner := make([]any, len(n.Content))
	for i, one := range n.Content {
		if one.Kind != yaml.ScalarNode || one.Tag != "!!str" {
			return nil, errNotRule
		}
		inner[i] = one.Value
	}
	return inner, nil
}

func place(name string, n *yaml.Node) string { return fmt.Sprintf("%s:%d", name, n.Line) }

// untab puts a blank for each tab before a line's first character.
func untab(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, line := range lines {
		body := bytes.TrimLeft(line, "\t ")
		lines[i] = append(bytes.Repeat([]byte(" "), len(line)-len(body)), body...)
	}
	return bytes.Join(lines, nil)
}

// notYAML keeps the line that the YAML reader names: "yaml: line 3: what is wrong".
func notYAML(err error, name string) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	where := name
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, what, ok := strings.Cut(rest, ": "); ok {
			where, text = name+":"+line, what
		}
	}
	return Problems{{Where: where, Text: "the file is not YAML: " + clip(text)}}
}

// Files lists what a configuration names: the file, if it is there, and the *.yaml, *.yml and *.json of the folders, each in
// the order of their names. Neither a file nor a folder need be there, as in oslo.policy: the defaults are a policy too.
func Files(file string, dirs ...string) ([]string, error) {
	var files []string
	if file != "" {
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir) // sorted by name
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
	}
	return files, nil
}
