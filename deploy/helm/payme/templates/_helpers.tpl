{{/* Names, labels, and the parts that every pod of PayMe has. */}}

{{- define "payme.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "payme.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "payme.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "payme.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "payme.selector" -}}
app.kubernetes.io/name: {{ include "payme.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "payme.labels" -}}
{{ include "payme.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: payme
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "payme.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The settings that are no secrets, as a map of names to text. */}}
{{- define "payme.settings" -}}
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
HOST: "0.0.0.0"
PORT: "3000"
PUBLIC_BASE_URL: {{ printf "https://%s" .Values.host | quote }}
WORKER_METRICS_PORT: "9100"
{{- end -}}

{{- define "payme.databaseSecret" -}}
{{- if .Values.cloudnativepg.enabled -}}
{{ include "payme.fullname" . }}-db-app
{{- else -}}
{{ .Values.database.existingSecret }}
{{- end -}}
{{- end -}}

{{/* Variables that name files; `.component` may be the job that gets more of them. */}}
{{- define "payme.files" -}}
{{- range .root.Values.secrets.keys }}
- name: {{ . }}_FILE
  value: /run/payme/secrets/{{ . }}
{{- end }}
- name: DATABASE_URL_FILE
  value: /run/payme/database/{{ ternary "uri" .root.Values.database.key .root.Values.cloudnativepg.enabled }}
{{- if and .root.Values.database.directKey (not .root.Values.cloudnativepg.enabled) }}
- name: DATABASE_DIRECT_URL_FILE
  value: /run/payme/database/{{ .root.Values.database.directKey }}
{{- end }}
{{- if include "payme.seesBackups" . }}
- name: BACKUP_S3_ACCESS_KEY_FILE
  value: /run/payme/backup/BACKUP_S3_ACCESS_KEY
- name: BACKUP_S3_SECRET_KEY_FILE
  value: /run/payme/backup/BACKUP_S3_SECRET_KEY
{{- end }}
{{- if eq .component "drill" }}
- name: BACKUP_IDENTITY_FILE
  value: /run/payme/identity/BACKUP_IDENTITY
{{- end }}
{{- end -}}

{{- define "payme.seesBackups" -}}
{{- if and .root.Values.backup.existingSecret (has .component (list "backup" "prune" "drill" "doctor")) -}}yes{{- end -}}
{{- end -}}

{{- define "payme.mounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: secrets, mountPath: /run/payme/secrets, readOnly: true }
- { name: database, mountPath: /run/payme/database, readOnly: true }
{{- if include "payme.seesBackups" . }}
- { name: backup, mountPath: /run/payme/backup, readOnly: true }
{{- end }}
{{- if eq .component "drill" }}
- { name: identity, mountPath: /run/payme/identity, readOnly: true }
- { name: scratch, mountPath: /var/tmp }
{{- end }}
{{- end -}}

{{- define "payme.volumes" -}}
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
- name: secrets
  secret: { secretName: {{ .root.Values.secrets.existingSecret }}, defaultMode: 0440 }
- name: database
  secret: { secretName: {{ include "payme.databaseSecret" .root }}, defaultMode: 0440 }
{{- if include "payme.seesBackups" . }}
- name: backup
  secret: { secretName: {{ .root.Values.backup.existingSecret }}, defaultMode: 0440 }
{{- end }}
{{- if eq .component "drill" }}
- name: identity
  secret: { secretName: {{ required "jobs.drill needs backup.identitySecret" .root.Values.backup.identitySecret }}, defaultMode: 0440 }
- name: scratch
  emptyDir: { sizeLimit: {{ .root.Values.drillDisk }} }
{{- end }}
{{- end -}}

{{- define "payme.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "payme.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* What stands in the specification of every pod, whatever it runs. */}}
{{- define "payme.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "payme.podSecurity" . | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  {{- include "payme.volumes" . | nindent 2 }}
{{- end -}}

{{/* What every container of the image has: what it may, what it reads. */}}
{{- define "payme.container" -}}
image: {{ include "payme.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- include "payme.containerSecurity" . | nindent 2 }}
volumeMounts:
  {{- include "payme.mounts" . | nindent 2 }}
{{- end -}}

{{- define "payme.environment" -}}
envFrom:
  - configMapRef: { name: {{ include "payme.fullname" .root }} }
env:
  {{- include "payme.files" . | trim | nindent 2 }}
{{- end -}}

{{- define "payme.migrateFirst" -}}
{{- if eq .root.Values.migrations.as "initContainer" }}
initContainers:
  - name: migrate
    command: [payme, migrate, up]
    {{- include "payme.container" . | nindent 4 }}
    {{- include "payme.environment" . | nindent 4 }}
    resources:
      {{- toYaml .root.Values.jobResources | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "payme.spread" -}}
topologySpreadConstraints:
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "payme.selector" $ | nindent 8 }}
{{- end }}
{{- end -}}

{{/* The checksum of the settings, so that a change of them starts the processes anew. */}}
{{- define "payme.podAnnotations" -}}
checksum/config: {{ include "payme.settings" .root | sha256sum }}
{{- with .root.Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
