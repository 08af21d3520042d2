"""Takes volumes in as Nova does, with os-brick, for as long as the node is up: to be loaded takes it seconds there.

What to do comes as a file /host/brick.ask, a list in JSON, and is answered in /host/brick.told, [true, TEXT] or [false, TEXT]:

["properties", ADDRESS]        what this host tells of itself
["connect", INFO]              the connection_info INFO is connected; the device
["once", INFO]                 the same with one try, for what is to be refused
["disconnect", INFO, DEVICE]   it is given back
"""
import json
import os
import time

from oslo_concurrency import lockutils
from oslo_config import cfg

import os_brick
from os_brick import privileged
from os_brick.initiator import connector

lockutils.set_defaults('/run')
cfg.CONF([], project='brick')
os_brick.setup(cfg.CONF)
privileged.default.set_client_mode(False)  # this process is root itself: no helper, no sudo


def do(what, *args):
    if what == 'properties':
        return json.dumps(connector.get_connector_properties('', args[0], False, False))
    info = args[0]
    brick = connector.InitiatorConnector.factory(info['driver_volume_type'], '', use_multipath=False, device_scan_attempts=2)
    if what == 'connect':
        return brick.connect_volume(info['data'])['path']
    if what == 'once':
        return type(brick)._connect_single_volume.__wrapped__(brick, info['data'])['path']
    brick.disconnect_volume(info['data'], {'type': 'block', 'path': args[1]})
    return ''


while True:
    try:
        with open('/host/brick.ask') as f:
            ask = json.load(f)
    except (FileNotFoundError, ValueError):  # not there, or not whole yet
        time.sleep(0.05)
        continue
    try:
        told = [True, do(*ask)]
    except Exception as e:
        told = [False, repr(e)]
    os.unlink('/host/brick.ask')
    with open('/host/brick.new', 'w') as f:
        json.dump(told, f)
    os.rename('/host/brick.new', '/host/brick.told')
