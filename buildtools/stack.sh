#!/bin/sh
# Makes, changes and removes the stacks: stack.sh dry-run|deploy|destroy
# Settings: STACK (gate or bluegreen), BUCKET, PARAMETERS (a file with a NAME=VALUE a line, or CloudFormation's
# own JSON, whose names CloudFormation checks; what it does not name is the template's default), NAME (of the
# stack; default greenlight-STACK).
# Credentials, region and AWS_ENDPOINT_URL are the AWS command line's own.
set -eu
verb=${1:-} STACK=${STACK:-} BUCKET=${BUCKET:-} PARAMETERS=${PARAMETERS:-}
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
name=${NAME:-greenlight-$STACK}

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

# change makes a change set and sets $changes and $kind. With nothing to change it ends the script.
change() {
	[ -n "$BUCKET" ] || usage "BUCKET is not set: functions and templates are uploaded there first"
	[ -z "$PARAMETERS" ] || [ -r "$PARAMETERS" ] || usage "PARAMETERS=$PARAMETERS cannot be read"
	before=$(state)
	case $before in
	'' | REVIEW_IN_PROGRESS) kind=CREATE ;;
	ROLLBACK_COMPLETE | *_FAILED) fail "$name is $before: make destroy STACK=$STACK NAME=$name first" ;;
	*_IN_PROGRESS) fail "$name is $before: wait until it is done" ;;
	*) kind=UPDATE ;;
	esac
	# Not `aws cloudformation deploy`: it passes over names that the template does not know, and keeps the old
	# value of a parameter whose default has changed, as that of the build tools does with every package.
	mkdir -p "$dist"
	case $PARAMETERS in
	*.json) cp "$PARAMETERS" "$dist/parameters.json" ;;
	*) awk -f "$here/parameters.awk" "${TEMPLATES:-infra}/$STACK.yml" "${PARAMETERS:-/dev/null}" >"$dist/parameters.json" ||
		fail "the parameters are wrong: the lines above say where" ;;
	esac
	sh "$here/package.sh" "${GO:-go}" "${ARCH:-arm64}" "$BUCKET"
	key=greenlight/$(cksum <"$dist/$STACK.yml" | tr ' ' -)/$STACK.yml
	aws s3 cp --only-show-errors "$dist/$STACK.yml" "s3://$BUCKET/$key"
	changes=$(cfn create-change-set --stack-name "$name" --change-set-name "greenlight-$(date -u +%Y%m%dT%H%M%SZ)" --change-set-type $kind \
		--template-url "https://$BUCKET.s3.amazonaws.com/$key" --parameters "file://$dist/parameters.json" \
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
	exit 1
}

dry_run() {
	change
	say "what would be done to $name:"
	cfn describe-change-set --change-set-name "$changes" --output text \
		--query 'Changes[].ResourceChange.[Action,ResourceType,LogicalResourceId]' | sort | sed 's/^/  /'
	if [ $kind = CREATE ]; then
		say "nothing was made. To forget this: aws cloudformation delete-stack --stack-name $name"
	else
		say "nothing was changed. To forget this: aws cloudformation delete-change-set --change-set-name $changes"
	fi
}

deploy() {
	change
	if [ $kind = CREATE ]; then say "making $name (with a database, 20 minutes) …"; else say "changing $name …"; fi
	cfn execute-change-set --change-set-name "$changes"
	if [ $kind = CREATE ]; then finished create; else finished update; fi
	if [ "$STACK" = bluegreen ]; then
		cfn set-stack-policy --stack-name "$name" --stack-policy-body "file://$here/../infra/stack-policy.json"
		say "the stack policy is set: what CodeDeploy has changed is not changed back"
	fi
	cfn describe-stacks --stack-name "$name" --output text --query 'Stacks[0].Outputs[].[OutputKey,OutputValue,Description]' |
		awk -F '\t' 'NF > 1 { printf "%s\n  %s\n  %s\n", $1, $2, $3 }'
}

destroy() {
	before=$(state)
	[ -n "$before" ] || fail "there is no stack $name here"
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
