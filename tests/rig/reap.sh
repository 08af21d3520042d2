#!/bin/sh
# Takes away what stands under a folder of the rig: processes, mounts, loop devices, network links, files. The folder is the
# first line of standard input, so that this process's own arguments don't name it; the end of the input is the signal to
# begin.
export PATH="$PATH:/usr/sbin:/sbin"
read -r dir
case $dir in /var/tmp/clinker-rig/?*) ;; *) echo "not a folder of the rig: $dir" >&2; exit 1 ;; esac
cat >/dev/null

# A process is ours when its environment or an argument names the folder.
ours() {
	{
		grep -lsaz "^CLINKER_RIG=$dir\(/\|\$\)" /proc/[0-9]*/environ
		grep -lsazF -- "$dir/" /proc/[0-9]*/cmdline
	} | cut -d/ -f3 | sort -u | while read -r pid; do
		[ "$pid" = $$ ] || ! read -r _ _ state _ <"/proc/$pid/stat" 2>/dev/null || [ "$state" = Z ] || echo "$pid"
	done
}

# Again and again: a process may have been about to make another.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	pids=$(ours)
	[ -n "$pids" ] || break
	# shellcheck disable=SC2086 # a list
	kill -9 $pids 2>/dev/null
	sleep 0.05
done

awk -v dir="$dir" 'index($2, dir "/") == 1 { print $2 }' /proc/mounts | sort -r | while read -r at; do umount -l "$at"; done
cat "$dir"/shares "$dir"/*/shares 2>/dev/null | while read -r share; do # mounted by a test somewhere else
	awk -v share="$share" '$1 == share { print $2 }' /proc/mounts | while read -r at; do umount -l "$at"; done
done
losetup -nO NAME,BACK-FILE 2>/dev/null | awk -v dir="$dir" 'index($2, dir "/") == 1 { print $1 }' | while read -r dev; do losetup -d "$dev"; done
cat "$dir"/links "$dir"/*/links 2>/dev/null | while read -r link; do ip link del "$link" 2>/dev/null; done
cat "$dir"/files "$dir"/*/files 2>/dev/null | while read -r file; do rm -f -- "$file"; done
rm -rf --one-file-system "$dir"
