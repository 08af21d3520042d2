package models

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAttachedStatus(t *testing.T) {
	a := func(s AttachmentStatus) Attachment { return Attachment{Status: s} }
	legacy := func(s AttachmentStatus) Attachment { return Attachment{Status: s, Legacy: true} }
	for _, c := range []struct {
		all    []Attachment
		volume VolumeStatus
		attach AttachStatus
	}{
		{nil, VolumeAvailable, AttachDetached},
		{[]Attachment{a(AttachmentReserved)}, VolumeReserved, AttachReserved},
		{[]Attachment{a(AttachmentReserved), a(AttachmentDetaching)}, VolumeDetaching, AttachDetaching},
		{[]Attachment{a(AttachmentErrorDetaching)}, VolumeDetaching, AttachDetaching},
		{[]Attachment{a(AttachmentDetaching), a(AttachmentErrorAttaching)}, VolumeAttaching, AttachAttaching},
		{[]Attachment{a(AttachmentAttaching), a(AttachmentAttached)}, VolumeInUse, AttachAttached},
		{[]Attachment{legacy(AttachmentAttaching)}, VolumeAvailable, AttachDetached},
		{[]Attachment{legacy(AttachmentAttached), a(AttachmentReserved)}, VolumeInUse, AttachAttached},
	} {
		volume, attach := AttachedStatus(c.all)
		require.Equal(t, []string{string(c.volume), string(c.attach)}, []string{string(volume), string(attach)}, "%v", c.all)
	}
}

func TestConnectionSplit(t *testing.T) {
	info := ISCSIConnection("v", ExportLocation{IQN: "iqn.t", Portals: []string{"192.0.2.1:3260"}, CHAP: CHAP{User: "u", Password: "p"}}, true, false)
	open, secrets := info.Split()
	require.Equal(t, map[string]any{"auth_username": "u", "auth_password": "p"}, secrets)
	require.Equal(t, "CHAP", open.Data["auth_method"])
	require.NotContains(t, open.Data, "auth_password")
	require.Equal(t, "p", info.Data["auth_password"], "the whole stays whole")
	require.Equal(t, info, open.Join(secrets))
	require.Equal(t, map[string]any{"a": 1}, ConnectionInfo{}.Join(map[string]any{"a": 1}).Data)
}

func TestConnectors(t *testing.T) {
	for _, c := range []struct {
		text string
		has  bool
	}{{"", false}, {"null", false}, {`{"host":"h","initiator":"iqn.x:H"}`, true}} {
		a := Attachment{Connector: json.RawMessage(c.text)}
		require.Equal(t, c.has, a.Connected(), c.text)
		_, err := a.Host()
		require.NoError(t, err)
	}
	_, err := Attachment{Connector: json.RawMessage(`{"host":7}`)}.Host()
	require.ErrorIs(t, err, ErrInvalid)
	for _, c := range []struct {
		a, b Connector
		same bool
	}{
		{Connector{Host: "a"}, Connector{Host: "a"}, true},
		{Connector{Host: "a"}, Connector{Host: "b"}, false},
		{Connector{Host: "a", Initiator: "iqn.x:H"}, Connector{Host: "b", Initiator: "iqn.x:h"}, true},
		{Connector{Host: "a", Initiator: "iqn.x:h"}, Connector{Host: "a"}, false},
	} {
		require.Equal(t, c.same, c.a.SameHost(c.b), "%v %v", c.a, c.b)
	}
}
