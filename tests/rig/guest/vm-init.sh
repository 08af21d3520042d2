#!/bin/busybox sh
# The first process of a guest under QEMU: loads what finds disks, and runs the commands that come over the second serial port, one a line.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
for round in 1 2 3 4; do
	for module in /modules/*.ko; do insmod "$module" 2>/dev/null; done
done
exec 3<>/dev/ttyS1
stty -F /dev/ttyS1 raw -echo
echo "GUEST-READY" >&3
while read -r line <&3; do
	sh -c "$line" >/tmp.out 2>&1 3<&-
	code=$?
	cat /tmp.out >&3
	echo "END $code" >&3
done
