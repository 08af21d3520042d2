"""Takes a volume in as Nova does, with os-brick.

brick.py properties ADDRESS      prints what this host tells of itself
brick.py connect FILE            connects the connection_info in FILE and prints the device
brick.py once FILE               the same with one try, for what is to be refused
brick.py disconnect FILE DEVICE  gives it back
"""
import json
import sys

from oslo_concurrency import lockutils
from oslo_config import cfg

import os_brick
from os_brick import privileged
from os_brick.initiator import connector

lockutils.set_defaults('/run')
cfg.CONF([], project='brick')
os_brick.setup(cfg.CONF)
privileged.default.set_client_mode(False)  # this process is root itself: no helper, no sudo

if sys.argv[1] == 'properties':
    print(json.dumps(connector.get_connector_properties('', sys.argv[2], False, False)))
    sys.exit()
with open(sys.argv[2]) as f:
    info = json.load(f)
brick = connector.InitiatorConnector.factory(info['driver_volume_type'], '', use_multipath=False, device_scan_attempts=2)
if sys.argv[1] == 'once':
    type(brick)._connect_single_volume = type(brick)._connect_single_volume.__wrapped__
if sys.argv[1] in ('connect', 'once'):
    print(brick.connect_volume(info['data'])['path'])
else:
    brick.disconnect_volume(info['data'], {'type': 'block', 'path': sys.argv[3]})
