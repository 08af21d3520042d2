#!/bin/sh
# Process 1 of a storage node. The root is the host's own / by hostfs, read-only; a tmpfs goes over it. What the node is
# called and where things are stands in the folder that rig= on the kernel's command line names.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
mount -t proc proc /proc
for word in $(cat /proc/cmdline); do case $word in rig=*) rig=${word#rig=} ;; esac; done
. "$rig/guest.env" # name address share filter

insmod "/usr/lib/uml/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko"
mount -t tmpfs -o size=256m tmpfs /mnt
mkdir -p /mnt/u /mnt/w /mnt/m
mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w overlay /mnt/m || echo "no overlay"
cd /mnt/m || exit 1
mkdir -p mnt proc sys dev run tmp host lib/modules
# Not chroot: what the kernel itself starts, nfsidmap for one, would run on the host's files.
pivot_root . mnt
cd /
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
umount -l /mnt
for d in /run /tmp /mnt /dev/shm; do mount -t tmpfs tmpfs "$d"; done
chmod 1777 /tmp /dev/shm
mount -t hostfs none /host -o "$share"
mount -t hostfs none /lib/modules -o /usr/lib/uml/modules

# What the host has configured or remembers is not this node's.
cd /etc && rm -rf iscsi/nodes iscsi/send_targets lvm/devices lvm/archive lvm/backup target rtslib-fb-target resolv.conf
cd /var/lib && rm -rf iscsi/nodes iscsi/send_targets nfs/rpc_pipefs
cd /root && rm -rf .ssh .bashrc .profile .bash_profile
cd /
mkdir -p /root/.ssh /run/lock/iscsi /run/lvm /var/lib/lvm /etc/lvm/archive /etc/lvm/backup /etc/target /etc/dropbear \
	/var/target/pr /var/target/alua
chmod 700 /root /root/.ssh
cp "$rig/authorized_keys" /root/.ssh/authorized_keys
cp "$rig/hostkey" /etc/dropbear/dropbear_ed25519_host_key
echo "InitiatorName=iqn.2004-10.org.test:$name" >/etc/iscsi/initiatorname.iscsi
# Nobody answers names here, and a name server of the host's would be waited for.
echo "127.0.0.1 localhost $name" >/etc/hosts
: >/etc/resolv.conf
# There is no udev here: nobody would answer LVM.
cat >/etc/lvm/lvmlocal.conf <<END
activation { udev_sync=0 udev_rules=0 monitoring=0 verify_udev_operations=0 }
devices { use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source="none" $filter }
global { event_activation=0 use_lvmpolld=0 }
END

hostname "$name"
ip link set lo up
ip link set vec0 up
ip addr add "$address/24" dev vec0
modprobe -a configfs dm_mod dm_snapshot dm_thin_pool target_core_mod target_core_iblock target_core_file \
	iscsi_target_mod iscsi_tcp sd_mod loop || echo "a module is missing"
mount -t configfs configfs /sys/kernel/config
iscsid
dropbear -r /etc/dropbear/dropbear_ed25519_host_key -E -s
echo "node ready after $(cut -d' ' -f1 /proc/uptime) s"
while :; do sleep 3600 & wait; done
