package share

// Size is size, for tests.
var Size = size
