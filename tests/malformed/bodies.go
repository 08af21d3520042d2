package malformed

import (
	"bytes"
	"strings"
)

// bodies are right, or nearly, for the routes whose paths contain the key; ID stands for an id of something that is there.
var bodies = []struct{ at, text string }{
	{"/action", `{"os-extend":{"new_size":2}}`},
	{"/action", `{"os-reset_status":{"status":"error","attach_status":"detached","migration_status":"none"}}`},
	{"/action", `{"os-attach":{"instance_uuid":"ID","mountpoint":"/dev/vdb","mode":"rw","host_name":"h"}}`},
	{"/action", `{"os-initialize_connection":{"connector":{"host":"h","ip":"192.0.2.1","initiator":"iqn.1993-08.org.debian:01:a","multipath":false}}}`},
	{"/action", `{"os-retype":{"new_type":"x","migration_policy":"on-demand"}}`},
	{"/action", `{"os-update_readonly_flag":{"readonly":true}}`},
	{"/action", `{"os-set_bootable":{"bootable":true}}`},
	{"/action", `{"os-show_image_metadata":null}`},
	{"/action", `{"os-set_image_metadata":{"metadata":{"a":"b"}}}`},
	{"/action", `{"os-migrate_volume":{"host":"h@b#p","force_host_copy":true,"lock_volume":false}}`},
	{"/action", `{"revert":{"snapshot_id":"ID"}}`},
	{"/action", `{"os-begin_detaching":{}}`},
	{"/volumes", `{"volume":{"name":"n","description":"d","size":1,"volume_type":"t","availability_zone":"nova","metadata":{"k":"v"},"snapshot_id":null,"source_volid":"ID"},"OS-SCH-HNT:scheduler_hints":{"same_host":["ID"],"query":"[\"=\",\"$a\",1]"}}`},
	{"/snapshots", `{"snapshot":{"volume_id":"ID","name":"n","force":true,"metadata":{"k":"v"}}}`},
	{"/backups", `{"backup":{"volume_id":"ID","name":"n","incremental":false,"force":true,"snapshot_id":"ID","container":"c"}}`},
	{"/restore", `{"restore":{"volume_id":"ID","name":"n"}}`},
	{"/import_record", `{"backup-record":{"backup_service":"s","backup_url":"eyJpZCI6IjkxNWFhZmQ3LTNjY2EtNDZjMy1iYTQxLTZmMzJiMmEwZDBiNSIsInNpemUiOjF9"}}`},
	{"/attachments", `{"attachment":{"volume_uuid":"ID","instance_uuid":"ID","connector":{"host":"h"},"mode":"rw"}}`},
	{"metadata", `{"metadata":{"k":"v"},"meta":{"k":"v"}}`},
	{"/types", `{"volume_type":{"name":"n","description":"d","os-volume-type-access:is_public":true,"extra_specs":{"k":"v"}}}`},
	{"/extra_specs", `{"extra_specs":{"volume_backend_name":"<or> a <or> b","k":"v"}}`},
	{"/types", `{"addProjectAccess":{"project":"p"}}`},
	{"/os-quota", `{"quota_set":{"volumes":10,"gigabytes":-1,"force":true},"quota_class_set":{"volumes":1}}`},
	{"/os-services", `{"binary":"cinder-volume","host":"h@b","disabled_reason":"r","level":"INFO","prefix":"p"}`},
	{"manage", `{"volume":{"host":"h@b#p","ref":{"source-name":"x"},"name":"n"},"snapshot":{"volume_id":"ID","ref":{"source-name":"x"}}}`},
	{"/auth/tokens", `{"auth":{"identity":{"methods":["password","token"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":"x"}},"token":{"id":"x"}},"scope":{"project":{"name":"admin","domain":{"name":"Default"}}}}}`},
	{"/users", `{"user":{"name":"n","password":"p","enabled":true,"email":"e","domain_id":"default","original_password":"o"}}`},
	{"/identity", `{"project":{"name":"n","parent_id":null},"role":{"name":"n"},"domain":{"name":"n"},"service":{"type":"t","name":"n"},"endpoint":{"service_id":"ID","interface":"public","url":"http://x"}}`},
}

func (s *Source) body(r Route) []byte {
	if r.Method != "POST" && r.Method != "PUT" && r.Method != "PATCH" {
		return nil
	}
	var fit []string
	for _, b := range bodies {
		if strings.Contains(r.Path, b.at) {
			fit = append(fit, b.text)
		}
	}
	if len(fit) == 0 {
		fit = append(fit, "{}")
	}
	return []byte(strings.ReplaceAll(s.one(fit...), "ID", s.one(s.ids...)))
}

// value is JSON, or nearly, that stands where something else should.
func (s *Source) value() string {
	return s.one(
		"null", "true", "{}", "[]", `""`, "0", "-1", "1.5", "1e999", "-1e-999", "9223372036854775808", "-9223372036854775809", "18446744073709551616", strings.Repeat("9", 400), "2147483648", `"\u0000"`, `"\ud800"`, `"\udbff\ud800x"`,
		"\"\xff\xfe\"", `"\x"`, `"`+strings.Repeat("ä", 300)+`"`, `"`+strings.Repeat("x", 60_000)+`"`, strings.Repeat("[", 11_000), `"`+strings.Repeat("y", 200_000)+`"`, strings.Repeat("[", 500)+strings.Repeat("]", 500), strings.Repeat(`{"a":`, 300)+"1"+strings.Repeat("}", 300),
		`{"a":{"b":[null]}}`, `[{"a":1},null,"x"]`, "NaN", "Infinity", "0123", "0x1", "'x'", "undefined", `"../../etc/passwd"`, `"%s%n%x"`, `"a\r\nb"`, `"\u202e\ufeff"`, `"💾"`, `"'; DROP TABLE volumes; --"`, `{"":""}`, `"`+s.one(s.ids...)+`"`,
	)
}

// spoil changes a body, or makes one where none belongs.
func (s *Source) spoil(body []byte) []byte {
	if len(body) == 0 {
		return []byte(s.one(s.value(), " ", "\ufeff{}", "<a/>", "a=b&c=d", "{", "\x00", "--x\r\n"))
	}
	switch s.IntN(8) {
	case 0:
		return body[:s.IntN(len(body))]
	case 1:
		return []byte(s.value())
	case 2:
		return append(append([]byte(nil), body...), s.one("}", "{}", ",", "\x00", " x", string(body))...)
	case 3:
		return bytes.ReplaceAll(body, []byte(`"`), []byte(s.one("'", `\"`, "", "\u201d")))
	case 4: // a key twice, or another one
		return append([]byte(`{`+s.one(`"":1`, `"x":`+s.value(), `"volume":null`, `"volume":{}`, `"\u0000":1`)+`,`), body[1:]...)
	case 5: // some byte
		out := append([]byte(nil), body...)
		out[s.IntN(len(out))] = byte(s.IntN(256))
		return out
	}
	// A value in the place of one that is there: after a colon, up to the comma or bracket that follows.
	var colons []int
	for i, c := range body {
		if c == ':' {
			colons = append(colons, i)
		}
	}
	if len(colons) == 0 {
		return []byte(s.value())
	}
	at := colons[s.IntN(len(colons))] + 1
	end := at + bytes.IndexAny(body[at:], ",}]")
	if end < at {
		end = len(body)
	}
	if s.chance(3) { // the whole object below
		end = len(body) - 1
	}
	out := append([]byte(nil), body[:at]...)
	out = append(out, s.value()...)
	return append(out, body[max(end, at):]...)
}
