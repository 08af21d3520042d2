// Package identity serves Keystone's API v3 below /identity, as far as clients of block storage, and the tools by which people and
// projects are kept, need it: for clouds that have no Keystone. What is behind it is internal/identity.
//
// It is held to what python-openstackclient, keystoneauth and gophercloud send and expect.
package identity
