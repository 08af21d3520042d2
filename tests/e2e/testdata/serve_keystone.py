"""Serves Debian's Keystone at an address: serve_keystone.py HOST PORT. A thread for each connection, since keystone-wsgi-public has one for all,
and whoever opens a connection without a word, as Go's HTTP client does at times, keeps everybody else waiting."""
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

from keystone.server.wsgi import initialize_public_application

host, port = sys.argv[1:]
sys.argv[1:] = []


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


make_server(host, int(port), initialize_public_application(), Server).serve_forever()
