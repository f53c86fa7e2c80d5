#!/bin/sh
# Makes, changes and removes the stacks: stack.sh dry-run|deploy|destroy
# Settings: STACK (gate or bluegreen), BUCKET, PARAMETERS (a file with a NAME=VALUE a line, or CloudFormation's
# own JSON; what it does not name is the template's default), NAME (of the stack; default greenlight-bluegreen or
# greenlight-gate-PREFIX, by NamePrefix, so that a second gate is a second stack), CONFIRM (the stack's name, for
# destroy without a terminal).
# Credentials, region and AWS_ENDPOINT_URL are the AWS command line's own.
set -eu
verb=${1:-} STACK=${STACK:-} BUCKET=${BUCKET:-} PARAMETERS=${PARAMETERS:-} CONFIRM=${CONFIRM:-}
here=$(dirname "$0")
dist=${DIST:-dist}
say() { printf '%s\n' "$*"; }
fail() {
	say "$verb: $*" >&2
	exit 1
}
usage() {
	say "$verb: $*" >&2
	say "usage: make $verb STACK=gate|bluegreen BUCKET=bucket PARAMETERS=file [NAME=stack]" >&2
	exit 2
}
case $verb in dry-run | deploy | destroy) ;; *) usage "want dry-run, deploy or destroy" ;; esac
case $STACK in gate | bluegreen) ;; *) usage "STACK is '$STACK'" ;; esac
command -v aws >/dev/null 2>&1 || fail "the AWS command line (aws) is missing: https://aws.amazon.com/cli/"
[ -z "$PARAMETERS" ] || [ -r "$PARAMETERS" ] || usage "PARAMETERS=$PARAMETERS cannot be read"

[ $verb = destroy ] || [ -n "$BUCKET" ] || usage "BUCKET is not set: functions and templates are uploaded there first"

# The parameters, checked before anything is asked or built: a line each, see parameters.awk.
template=${TEMPLATES:-infra}/$STACK.yml
given=$(awk -v only="$([ $verb = destroy ] && echo NamePrefix)" -f "$here/parameters.awk" "$template" "${PARAMETERS:-/dev/null}") ||
	fail "the parameters are wrong: the lines above say where"
separator=$(printf '\037')
value() { printf '%s\n' "$given" | awk -F "$separator" -v name="$1" '$1 == name { print $2 }'; }
# awk's own expressions know no {0,23} everywhere; grep's do.
check_patterns() {
	bad=$(printf '%s\n' "$given" | while IFS=$separator read -r parameter value pattern _; do
		case $pattern in '|'*) [ -n "$value" ] || continue ;; esac
		[ -z "$pattern" ] || printf '%s\n' "$value" | grep -qxE -e "${pattern#|}" ||
			say "$verb: $parameter: CloudFormation would refuse its value: it does not match $pattern"
	done)
	[ -z "$bad" ] || fail "the parameters are wrong:
$bad"
}
prefix=$(value NamePrefix)
case $STACK in gate) name=${NAME:-greenlight-gate-$prefix} ;; *) name=${NAME:-greenlight-$STACK} ;; esac

cfn() { aws cloudformation "$@"; }
# state prints the stack's status, or nothing when there is no such stack. Any other answer is an error.
state() {
	if ! answer=$(cfn describe-stacks --stack-name "$name" --query 'Stacks[0].StackStatus' --output text 2>&1); then
		case $answer in *'does not exist'*) return 0 ;; esac
		say "$answer" >&2
		return 1
	fi
	say "$answer"
}
output() { cfn describe-stacks --stack-name "$name" --output text --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"; }

# cure says what to do with a stack that failed while it was changed. Its resources serve: it is never removed for that.
cure() { # STATUS
	case $1 in
	UPDATE_ROLLBACK_FAILED)
		say "$name is $1: a change failed, and so did taking it back. What runs goes on running. Do not remove it.
See the cause in its events, mend it, then: aws cloudformation continue-update-rollback --stack-name $name" >&2
		;;
	UPDATE_FAILED)
		say "$name is $1: a change failed halfway. What runs goes on running. Do not remove it.
Take the change back: aws cloudformation rollback-stack --stack-name $name
and where that ends in UPDATE_ROLLBACK_FAILED: aws cloudformation continue-update-rollback --stack-name $name" >&2
		;;
	*) return 1 ;;
	esac
}

# made_once refuses another value for a parameter that counts at creation only: CloudFormation would change what comes
# before the resource that cannot be changed, and then take it back.
made_once() {
	cfn describe-stacks --stack-name "$name" --output text \
		--query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' >"$dist/parameters.before"
	changed=$(printf '%s\n' "$given" | while IFS=$separator read -r parameter is _ once; do
		[ "$once" = once ] || continue
		case $parameter/$(value Controller) in Watch/codedeploy) continue ;; esac # the AppSpec's, and no resource's
		was=$(awk -F '\t' -v name="$parameter" '$1 == name { print $2; known = 1 } END { if (!known) print "None" }' \
			"$dist/parameters.before")
		[ "$was" = None ] || [ "$was" = "$is" ] || say "  $parameter is '$was', and would be '$is'"
	done)
	[ -z "$changed" ] || fail "$name was made with other values, which count at creation only. Make another stack (NAME=…), or leave them:
$changed"
}

# change makes a change set and sets $changes and $kind. With nothing to change it ends the script.
change() {
	check_patterns
	# The template's own rules, which CloudFormation would look at after the build.
	if [ "$STACK" = gate ]; then
		case $(value Controller)/$(value ApplicationName)/$(value DeploymentGroupName) in
		ecs// | codedeploy/?*/?* | both/?*/?*) ;;
		ecs/*) fail "with Controller=ecs there is no ApplicationName and no DeploymentGroupName: those are CodeDeploy's" ;;
		*) fail "ApplicationName and DeploymentGroupName are needed, unless Controller=ecs" ;;
		esac
	else
		case $(value Controller)/$(value Strategy)/$(value ApprovalWaitMinutes) in
		codedeploy/BLUE_GREEN/* | ecs/*/0) ;;
		codedeploy/*) fail "CodeDeploy moves production at once: Strategy is for Controller=ecs" ;;
		*) fail "with Controller=ecs ApprovalWaitMinutes stays 0: a PAUSE hook, which would stop the stack itself, is added later" ;;
		esac
	fi
	mkdir -p "$dist"
	before=$(state)
	case $before in
	'' | REVIEW_IN_PROGRESS) kind=CREATE ;;
	ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | DELETE_FAILED)
		fail "$name is $before, and serves nobody: make destroy STACK=$STACK NAME=$name first"
		;;
	*_FAILED)
		cure "$before" || say "$name is $before: its events say why" >&2
		exit 1
		;;
	*_IN_PROGRESS) fail "$name is $before: wait until it is done" ;;
	*) kind=UPDATE && made_once ;;
	esac
	# Not `aws cloudformation deploy`: it passes over names that the template does not know, and keeps the old
	# value of a parameter whose default has changed, as that of the build tools does with every package.
	case $PARAMETERS in
	*.json) cp "$PARAMETERS" "$dist/parameters.json" ;;
	*) awk -v json=1 -f "$here/parameters.awk" "$template" "${PARAMETERS:-/dev/null}" >"$dist/parameters.json" ;;
	esac
	region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || :)}}
	[ -n "$region" ] || fail "no region is set: AWS_REGION=…, or aws configure"
	case $region in # the names of S3's hosts in AWS's partitions
	cn-*) suffix=amazonaws.com.cn ;;
	eusc-*) suffix=amazonaws.eu ;;
	us-iso-*) suffix=c2s.ic.gov ;;
	us-isob-*) suffix=sc2s.sgov.gov ;;
	*) suffix=amazonaws.com ;;
	esac
	sh "$here/package.sh" "${GO:-go}" "${ARCH:-arm64}" "$BUCKET"
	key=greenlight/$(cksum <"$dist/$STACK.yml" | tr ' ' -)/$STACK.yml
	aws s3 cp --only-show-errors "$dist/$STACK.yml" "s3://$BUCKET/$key"
	changes=$(cfn create-change-set --stack-name "$name" --change-set-name "greenlight-$(date -u +%Y%m%dT%H%M%SZ)" --change-set-type $kind \
		--template-url "https://$BUCKET.s3.$region.$suffix/$key" --parameters "file://$dist/parameters.json" \
		--capabilities CAPABILITY_IAM --query Id --output text)
	cfn wait change-set-create-complete --change-set-name "$changes" 2>/dev/null && return 0
	reason=$(cfn describe-change-set --change-set-name "$changes" --query StatusReason --output text)
	cfn delete-change-set --change-set-name "$changes"
	case $reason in
	*"didn't contain changes"* | *'No updates are to be performed'*) say "nothing to change in $name" && exit 0 ;;
	esac
	fail "$reason"
}

finished() { # create|update
	cfn wait "stack-$1-complete" --stack-name "$name" && return 0
	say "$verb: $name did not get there. What failed, the first cause last:" >&2
	cfn describe-stack-events --stack-name "$name" --output text \
		--query "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId,ResourceStatusReason]" >&2
	cure "$(state)" || :
	exit 1
}

dry_run() {
	change
	say "what would be done to $name (action, replacement, type, resource; what would be replaced or removed has a mark):"
	cfn describe-change-set --change-set-name "$changes" --output text \
		--query 'Changes[].ResourceChange.[Action,Replacement,ResourceType,LogicalResourceId]' | sort |
		awk -F '\t' '{ lost = $1 == "Remove" || $2 == "True"
			printf "%s %-7s %-12s %s %s\n", lost ? "!" : " ", $1, $2 == "None" ? "-" : "Replacement=" $2, $3, $4 }'
	if [ $kind = CREATE ]; then
		say "nothing was made. To forget this: aws cloudformation delete-stack --stack-name $name"
	else
		say "nothing was changed. To forget this: aws cloudformation delete-change-set --change-set-name $changes"
	fi
}

deploy() {
	change
	case $kind$STACK in
	CREATEbluegreen) say "making $name (with a database, 20 minutes) …" ;;
	CREATE*) say "making $name (a few minutes) …" ;;
	*) say "changing $name …" ;;
	esac
	cfn execute-change-set --change-set-name "$changes"
	if [ $kind = CREATE ]; then finished create; else finished update; fi
	if [ "$STACK" = bluegreen ]; then
		cfn set-stack-policy --stack-name "$name" --stack-policy-body "file://$here/../infra/stack-policy.json"
		say "the stack policy is set: what a deployment has changed is not changed back"
	fi
	cfn describe-stacks --stack-name "$name" --output text --query 'Stacks[0].Outputs[].[OutputKey,OutputValue,Description]' |
		awk '{ text = text (text == "" ? "" : "\n  ") $0 } # a value may have several lines
			gsub(/\t/, "\t", text) >= 2 { split(text, part, "\t"); printf "%s\n  %s\n  %s\n", part[1], part[2], part[3]; text = "" }'
}

# confirmed wants the name of the stack, from a person or from CONFIRM, after it has said what goes.
confirmed() {
	say "$name ($before) goes, with all of this:"
	cfn list-stack-resources --stack-name "$name" --output text \
		--query 'StackResourceSummaries[].[ResourceType,LogicalResourceId]' | sort | sed 's/^/  /'
	if [ "$STACK" = bluegreen ]; then
		say "The application stops. Its images, its logs, the smoke suites, the reports and the pipeline's artifacts are deleted; of the
database one last snapshot stays."
	else
		say "Deployments whose hooks these functions are will fail, each until its AppSpec or service no longer names them."
	fi
	if [ -z "$CONFIRM" ] && [ -t 0 ]; then
		printf 'Type the name of the stack to remove it: '
		read -r CONFIRM || :
	fi
	[ "$CONFIRM" = "$name" ] || fail "nothing was removed. Without a terminal: CONFIRM=$name make destroy STACK=$STACK NAME=$name"
}

destroy() {
	before=$(state)
	[ -n "$before" ] || fail "there is no stack $name here"
	confirmed
	buckets='' connection=''
	if [ "$STACK" = bluegreen ]; then
		buckets="$(output ArtifactBucketName) $(output SuiteBucketName)"
		connection=$(output ConnectionArn)
	fi
	say "removing $name; the network interfaces of a function in a VPC take Lambda 20 minutes and more"
	cfn delete-stack --stack-name "$name"
	finished delete
	for bucket in $buckets; do
		if [ "$bucket" = None ]; then
			say "the stack does not say what its bucket was called: it stays, with what is in it"
			continue
		fi
		aws s3 rb --force "s3://$bucket" >/dev/null
		say "removed the bucket $bucket"
	done
	say "$name is removed. What stays:"
	say "  the bucket that make package uploaded to, below greenlight/"
	if [ "$STACK" = bluegreen ]; then
		say "  the database's last snapshot: aws rds describe-db-cluster-snapshots --snapshot-type manual"
		say "  the connection to GitLab: ${connection:-unknown} (the next stack takes it as ConnectionArn)"
		say "  task definitions and log groups that ECS and CodeBuild made by themselves"
	fi
}

case $verb in
dry-run) dry_run ;;
deploy) deploy ;;
destroy) destroy ;;
esac
