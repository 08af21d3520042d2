// Package share takes in volumes that are files on a share: GlusterFS by FUSE, NFS by the kernel. A share is mounted once a host, at
// <state folder>/mnt/<md5 of its address>, and unmounted when the last volume on it goes.
//
// Who still needs a mount is written in the state folder, a file a volume (shares/<md5>/<volume id>). It is written before the share is mounted and
// taken away before it is unmounted, under the share's lock: whatever process dies in between, nothing is unmounted that is
// needed, and the next Disconnect of any volume on the share finishes what was left.
package share
