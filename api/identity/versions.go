package identity

import "net/http"

// v3 is the newest version of Keystone's API whose parts that are here behave as told.
const v3 = "v3.14"

func (c *call) version() object {
	return object{
		"id": v3, "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []object{{"rel": "self", "href": c.s.base(c.Request) + "/v3/"}},
		"media-types": []object{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func versions(c *call) error {
	return c.json(http.StatusMultipleChoices, object{"versions": object{"values": []object{c.version()}}})
}

func version(c *call) error { return c.json(http.StatusOK, object{"version": c.version()}) }
