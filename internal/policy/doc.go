// Package policy decides who may do what: Cinder's policy, by the names of its operations, in the grammar of oslo.policy.
//
// Every operation is one row of a table (operations_*.go) with its default rule, so that checks, `clinkerd policy list` and
// docs/policy.md tell one story. A policy.yaml replaces rules of the table. It is parsed and checked as a whole when it is
// loaded: a rule that can't be understood, that names a rule that isn't there, or that would ask itself is refused with its
// line. oslo.policy answers such a rule with "no" while it serves, and the operator never learns why.
//
// The grammar is ours to read (parse.go), because it is small and every message needs the place of what is wrong.
package policy
