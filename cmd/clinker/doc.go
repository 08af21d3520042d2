// Command clinker is the command-line client of Clinker block storage: volumes, their types, quotas, services, pools and
// the flows that work on them. docs/cli.md describes it.
package main
