"""Attaches with the real os-brick what Clinker answered, or detaches it.

usage: osbrick.py connect INFO.json | disconnect INFO.json PATH
INFO.json is an attachment's connection_info. connect prints the device.
"""
import json
import sys

from os_brick import privileged
from os_brick.initiator import connector

privileged.default.set_client_mode(False)  # this process is root already
verb, path = sys.argv[1:3]
with open(path) as f:
    info = json.load(f)
brick = connector.InitiatorConnector.factory(
    info["driver_volume_type"].upper(), None, use_multipath=False, device_scan_attempts=5)
if verb == "connect":
    print(brick.connect_volume(info)["path"])
else:
    brick.disconnect_volume(info, {"path": sys.argv[3]})
