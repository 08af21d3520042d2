// Package lvmcmd knows LVM: how its programs are called, how their reports read, and what their errors mean. Nothing else
// in Clinker knows an LVM flag. It also speaks to the two programs that stand beside LVM, dmsetup and thin_delta.
//
// Three rules shape it.
//
// Every call names the volume group's own devices (--devices). A tenant's disk may hold a volume group of the same name,
// and LVM then answers every question about that name with an error and an empty list, which reads like "nothing there".
//
// Whether something is there is known from one report only (Group.Report), that ended well and shows the volume group by
// its uuid. What a changing command says of missing things is not believed.
//
// Changing commands are not killed: LVM stopped in the middle leaves devices suspended, and whoever reads them hangs.
package lvmcmd
