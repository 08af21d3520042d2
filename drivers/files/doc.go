// Package files is what the drivers that keep volumes as files share: files that are made, renamed and removed relative to an
// open folder, so that a mount that comes or goes in the middle of a step can't move the step to another file system;
// copies, preallocation, tags and the rule for names. It knows nothing of any backend.
package files
