// Package e2e holds no code, only the tests of Clinker as a whole: real binaries, real clients, real files, and what an
// operator does when something is away. TestOneProcess is `clinkerd up`; TestApart runs the same parts as processes of
// their own on PostgreSQL; TestOperator breaks a backend's disk and mends it. TestTutorial has LVM on a storage node and
// a real GlusterFS, and takes away in the middle of work what serves them; TestTutorialData moves and backs up the volumes of another.
//
// The tests of disks mount small file systems and need root; CLINKER_SKIP_ROOT_TESTS=1 leaves them out. The tutorial needs
// the rig; CLINKER_SKIP_RIG=1 leaves it out.
package e2e
