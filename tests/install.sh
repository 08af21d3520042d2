#!/bin/bash
# Installs what `make test` needs beside Go and git, through apt-get, and only what is
# missing. Without root (or sudo that asks no password) it names what to install.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin

missing=()
need() { # PACKAGE... -- COMMAND: the packages that bring a command which isn't there
	local packages=()
	while [ "$1" != -- ]; do packages+=("$1"); shift; done
	command -v "$2" >/dev/null || missing+=("${packages[@]}")
}

need git -- git
# The race detector needs a C compiler, and so does the rig (tests/rig).
need gcc libc6-dev -- gcc
[ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
need python3 -- python3
need python3-cinderclient -- cinder
need python3-openstackclient -- openstack
need tempest -- tempest
[ -e /usr/lib/python3/dist-packages/os_brick ] || missing+=(python3-os-brick)
# Backends on file systems of their own: with reflinks, and full.
need xfsprogs -- mkfs.xfs
need e2fsprogs -- mkfs.ext4
need util-linux -- unshare
need mount -- losetup
need procps -- ps
need curl -- curl
need openssl -- openssl
# The rig: nodes of user-mode Linux, with what runs inside them; GlusterFS, tgt, NFS and Swift.
need user-mode-linux -- linux.uml
need dropbear-bin -- dropbear
need iproute2 -- ip
need kmod -- modprobe
need lvm2 -- lvm
need thin-provisioning-tools -- thin_check
need open-iscsi -- iscsid
need nfs-common netbase -- mount.nfs
need glusterfs-server -- glusterd
need glusterfs-client -- mount.glusterfs
need tgt -- tgtd
need nfs-ganesha nfs-ganesha-vfs -- ganesha.nfsd
need swift swift-proxy swift-account swift-container swift-object -- swift-proxy-server
need memcached -- memcached
need keystone -- keystone-manage
# What looks at targets and images from outside.
need qemu-utils -- qemu-img
need libiscsi-bin -- iscsi-ls
ls /usr/lib/*/qemu/block-iscsi.so >/dev/null 2>&1 || missing+=(qemu-block-extra)
# Guests under QEMU.
need qemu-system-x86 -- qemu-system-x86_64
need busybox-static -- busybox
need qemu-guest-agent -- qemu-ga
need libvirt-daemon libvirt-daemon-driver-qemu -- libvirtd
need libvirt-clients -- virsh
# Debian keeps the server's programs out of PATH.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)

# A guest's kernel is unpacked only: nothing of this machine is to boot it.
guest=/var/lib/clinker-guest
[ -e $guest/boot ] || missing+=(linux-image-cloud-amd64)

if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
	root=(sudo -n)
fi
if ! command -v apt-get >/dev/null || ! "${root[@]}" true 2>/dev/null; then
	echo "The tests need: ${missing[*]}" >&2
	echo "Install them, on Debian: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi

apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"; }

echo "Installing: ${missing[*]}"
apt update
undo=()
trap 'for step in "${undo[@]}"; do eval "$step"; done' EXIT
# None of these is to run as a service of this machine: the tests start their own. Debian's packages ask this file
# whether they may start one.
policy=${CLINKER_POLICY_RC_D:-/usr/sbin/policy-rc.d}
if [ ! -e "$policy" ]; then
	undo+=('"${root[@]}" rm -f "$policy"')
	printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
	"${root[@]}" chmod 755 "$policy"
fi
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
	# The tests make clusters of their own. Debian's packaging would make and start
	# one for the whole machine; it is asked not to, for this installation only.
	apt install --yes --no-install-recommends postgresql-common >/dev/null
	conf=/etc/postgresql-common/createcluster.conf
	"${root[@]}" pg_conftool "$conf" set create_main_cluster off
	undo+=('"${root[@]}" pg_conftool "$conf" remove create_main_cluster')
fi
if [[ " ${missing[*]} " == *" linux-image-cloud-amd64 "* ]]; then
	missing=("${missing[@]/linux-image-cloud-amd64/}")
	missing=(${missing[@]})
	kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p')
	unpack=$(mktemp -d)
	undo+=('rm -rf "$unpack"')
	(cd "$unpack" && apt-get -qq download "$kernel" && dpkg-deb -x ./*.deb root)
	"${root[@]}" mkdir -p $guest
	"${root[@]}" cp -r "$unpack"/root/lib "$unpack"/root/boot $guest # boot comes last: it says that all is there
fi
if [ ${#missing[@]} -gt 0 ]; then
	apt install --yes --no-install-recommends "${missing[@]}" >/dev/null
fi
