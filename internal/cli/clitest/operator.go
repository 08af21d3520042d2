package clitest

import (
	"maps"
	"net/http"
	"slices"
)

func service(binary, host string) object {
	return object{"binary": binary, "host": host, "zone": "nova", "status": "enabled", "state": "up", "updated_at": created}
}

func (s *Server) listServices(w http.ResponseWriter, r *http.Request) {
	var found []object
	for _, v := range s.services {
		if host := r.URL.Query().Get("host"); host == "" || v["host"] == host {
			found = append(found, v)
		}
	}
	answer(w, 200, object{"services": found})
}

func (s *Server) switchService(w http.ResponseWriter, r *http.Request) {
	body := read(r)
	for _, v := range s.services {
		if v["host"] != body["host"] || v["binary"] != body["binary"] {
			continue
		}
		v["status"] = map[string]string{"enable": "enabled"}[r.PathValue("how")]
		out := object{"host": v["host"], "binary": v["binary"], "service": v["binary"], "status": "enabled", "disabled": false}
		if r.PathValue("how") != "enable" {
			v["status"], v["disabled_reason"] = "disabled", body["disabled_reason"]
			out["status"], out["disabled"] = "disabled", true
		}
		if r.PathValue("how") == "disable-log-reason" {
			out["disabled_reason"] = body["disabled_reason"]
		}
		answer(w, 200, out)
		return
	}
	missing(w, "Service", text(body["binary"])+" on host "+text(body["host"]))
}

func (s *Server) pools(w http.ResponseWriter, r *http.Request) {
	pool := object{"name": "node1@dir#dir"}
	if r.URL.Query().Get("detail") == "true" {
		pool["capabilities"] = object{
			"volume_backend_name": "dir", "storage_protocol": "file", "total_capacity_gb": 100, "free_capacity_gb": 60.5,
			"allocated_capacity_gb": 40, "provisioned_capacity_gb": 40, "reserved_percentage": 0, "max_over_subscription_ratio": "20.0",
			"thin_provisioning_support": true, "total_volumes": 2, "timestamp": created,
		}
	}
	answer(w, 200, object{"pools": []object{pool}})
}

func (s *Server) zones(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, object{"availabilityZoneInfo": []object{{"zoneName": "nova", "zoneState": object{"available": true}}}})
}

func (s *Server) limits(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, object{"limits": object{"rate": []any{}, "absolute": object{
		"maxTotalVolumes": 10, "maxTotalVolumeGigabytes": 1000, "totalVolumesUsed": len(s.volumes), "totalGigabytesUsed": 0,
	}}})
}

func (s *Server) quota(name string) object {
	if q := s.quotas[name]; q != nil {
		return q
	}
	return object{"volumes": 10, "gigabytes": 1000, "snapshots": 10}
}

func (s *Server) showQuota(key string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := maps.Clone(s.quota(r.PathValue("name")))
		if r.URL.Query().Get("usage") == "true" {
			for resource, limit := range q {
				q[resource] = object{"limit": limit, "in_use": len(s.volumes), "reserved": 0}
			}
		}
		q["id"] = r.PathValue("name")
		answer(w, 200, object{key: q})
	}
}

func (s *Server) setQuota(key string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := maps.Clone(s.quota(r.PathValue("name")))
		maps.Copy(q, read(r)[key].(object))
		s.quotas[r.PathValue("name")] = q
		answer(w, 200, object{key: q})
	}
}

func (s *Server) deleteQuota(_ http.ResponseWriter, r *http.Request) {
	delete(s.quotas, r.PathValue("name"))
}

func (s *Server) listMessages(w http.ResponseWriter, r *http.Request) {
	var found []object
	for _, m := range s.messages {
		if id := r.URL.Query().Get("resource_uuid"); id == "" || m["resource_uuid"] == id {
			found = append(found, m)
		}
	}
	s.page(w, r, "messages", found)
}

func (s *Server) showMessage(w http.ResponseWriter, r *http.Request) {
	_, m := find(s.messages, r.PathValue("id"))
	if m == nil {
		missing(w, "Message", r.PathValue("id"))
		return
	}
	answer(w, 200, object{"message": m})
}

func (s *Server) deleteMessage(w http.ResponseWriter, r *http.Request) {
	i, m := find(s.messages, r.PathValue("id"))
	if m == nil {
		missing(w, "Message", r.PathValue("id"))
		return
	}
	s.messages = slices.Delete(s.messages, i, i+1)
	w.WriteHeader(204)
}
