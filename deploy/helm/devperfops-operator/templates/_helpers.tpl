{{/* The release's name, so that two operators fit into one namespace. */}}
{{- define "devperfops.name" -}}
{{- if contains "devperfops-operator" .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}{{ printf "%s-devperfops-operator" (.Release.Name | trunc 33 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{- define "devperfops.selector" -}}
app.kubernetes.io/name: devperfops-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "devperfops.labels" -}}
{{ include "devperfops.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "devperfops.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The operator's settings file: the chart's own, then the user's. */}}
{{- define "devperfops.settings" -}}
{{- $images := dict "operator" (include "devperfops.image" .) "jmeter" .Values.jmeter.image "pullPolicy" .Values.image.pullPolicy }}
{{- $url := printf "http://%s.%s.svc:8080" (include "devperfops.name" .) .Release.Namespace }}
{{- $own := dict "operatorUrl" $url "images" $images "port" 8080 "namespaces" .Values.namespaces "leaderElection" (dict "name" (include "devperfops.name" .)) }}
{{- if .Values.namespaces }}{{ $_ := set $own "agentTokens" "Verify" }}{{ end }}
{{- toYaml (mergeOverwrite $own (deepCopy .Values.settings)) }}
{{- end }}

{{/* A role's rules, as files/rules.yaml has them; without those that only a ClusterRole can give where `namespaced`,
     and with those of the `options` that are wanted. */}}
{{- define "devperfops.rules" -}}
{{- $rules := list }}
{{- range get (.files.Get "files/rules.yaml" | fromYaml) .role }}
{{- if not (and $.namespaced (has "authentication.k8s.io" .apiGroups)) }}{{ $rules = append $rules . }}{{ end }}
{{- end }}
{{- range $option, $wanted := .options }}
{{- if $wanted }}{{ $rules = concat $rules (get ($.files.Get "files/rules.yaml" | fromYaml) $option) }}{{ end }}
{{- end }}
{{- toYaml $rules }}
{{- end }}
