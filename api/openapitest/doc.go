// Package openapitest holds the API to its description, api/openapi.yaml: Wrap puts a handler under test behind a check of
// every exchange, and Operations lists what is described, to be compared with what is routed.
package openapitest
