#!/bin/sh
# Makes, changes and removes the stacks: stack.sh dry-run|deploy|destroy
# Settings: STACK (gate or bluegreen), BUCKET, PARAMETERS (a file with a NAME=VALUE a line, or CloudFormation's
# own .json), NAME (of the stack; default greenlight-STACK). Credentials, region and AWS_ENDPOINT_URL are the
# AWS command line's own.
set -eu
verb=$1 STACK=${STACK:-} BUCKET=${BUCKET:-} PARAMETERS=${PARAMETERS:-}
say() { printf '%s\n' "$*"; }
usage() {
	say "$verb: $*" >&2
	say "usage: make $verb STACK=gate|bluegreen BUCKET=bucket PARAMETERS=file [NAME=stack]" >&2
	exit 2
}
case $STACK in gate | bluegreen) ;; *) usage "STACK is '$STACK'" ;; esac
command -v aws >/dev/null 2>&1 || { say "$verb: the AWS command line (aws) is missing: https://aws.amazon.com/cli/" >&2; exit 1; }
name=${NAME:-greenlight-$STACK}
dist=${DIST:-dist}

# parameters puts the file's lines into "$@" of the aws command after it, each as one word.
deploy() {
	[ -n "$BUCKET" ] || usage "BUCKET is not set: functions and templates are uploaded there first"
	[ -z "$PARAMETERS" ] || [ -r "$PARAMETERS" ] || usage "PARAMETERS=$PARAMETERS cannot be read"
	sh "$(dirname "$0")/package.sh" "${GO:-go}" "${ARCH:-arm64}" "$BUCKET"
	set -- --stack-name "$name" --template-file "$dist/$STACK.yml" --s3-bucket "$BUCKET" --s3-prefix greenlight \
		--capabilities CAPABILITY_IAM --no-fail-on-empty-changeset "$@"
	case $PARAMETERS in
	'') ;;
	*.json) set -- "$@" --parameter-overrides "file://$PARAMETERS" ;;
	*)
		set -- "$@" --parameter-overrides
		while IFS= read -r line || [ -n "$line" ]; do
			case $line in '' | '#'*) continue ;; [A-Za-z]*=*) set -- "$@" "$line" ;; *) usage "PARAMETERS: not NAME=VALUE: $line" ;; esac
		done <"$PARAMETERS"
		;;
	esac
	aws cloudformation deploy "$@"
}

outputs() {
	aws cloudformation describe-stacks --stack-name "$name" --output text \
		--query 'Stacks[0].Outputs[].[OutputKey,OutputValue,Description]' | awk -F '\t' 'NF > 1 { printf "  %-32s %s\n  %-32s   %s\n", $1, $2, "", $3 }'
}

output() {
	aws cloudformation describe-stacks --stack-name "$name" --output text --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

case $verb in
dry-run)
	log=$(mktemp "${TMPDIR:-/tmp}/greenlight-dry-run.XXXXXX")
	trap 'rm -f "$log"' EXIT
	deploy --no-execute-changeset >"$log" || { cat "$log"; exit 1; }
	cat "$log"
	changes=$(sed -n 's/.*--change-set-name \([^ ]*\).*/\1/p' "$log")
	if [ -z "$changes" ]; then
		say "nothing would change in $name"
		exit 0
	fi
	say "what would be done to $name:"
	aws cloudformation describe-change-set --change-set-name "$changes" --output text \
		--query 'Changes[].ResourceChange.[Action,ResourceType,LogicalResourceId,Replacement]' | sort | sed 's/^/  /'
	state=$(aws cloudformation describe-stacks --stack-name "$name" --query 'Stacks[0].StackStatus' --output text)
	if [ "$state" = REVIEW_IN_PROGRESS ]; then
		say "nothing was made. To forget this: aws cloudformation delete-stack --stack-name $name"
	else
		say "nothing was changed. To forget this: aws cloudformation delete-change-set --change-set-name $changes"
	fi
	;;
deploy)
	deploy
	if [ "$STACK" = bluegreen ]; then
		aws cloudformation set-stack-policy --stack-name "$name" --stack-policy-body "file://$(dirname "$0")/../infra/stack-policy.json"
		say "the stack policy is set: what CodeDeploy has changed is not changed back"
	fi
	say "$name:"
	outputs
	;;
destroy)
	aws cloudformation describe-stacks --stack-name "$name" >/dev/null || { say "destroy: there is no stack $name here" >&2; exit 1; }
	buckets='' stays=''
	if [ "$STACK" = bluegreen ]; then
		buckets="$(output ArtifactBucketName) $(output SuiteBucketName)"
		stays=$(output ConnectionArn)
	fi
	say "removing $name; the network interfaces of a function in a VPC take Lambda 20 minutes and more"
	aws cloudformation delete-stack --stack-name "$name"
	aws cloudformation wait stack-delete-complete --stack-name "$name" || {
		say "destroy: not all of $name could be removed: aws cloudformation describe-stack-events --stack-name $name" >&2
		exit 1
	}
	for bucket in $buckets; do
		[ "$bucket" != None ] || continue
		aws s3 rb --force "s3://$bucket" >/dev/null
		say "removed the bucket $bucket"
	done
	say "$name is removed. What stays:"
	say "  the bucket of make package${BUCKET:+, $BUCKET}, with the uploaded functions below greenlight/"
	if [ "$STACK" = bluegreen ]; then
		say "  the database's last snapshot: aws rds describe-db-cluster-snapshots --snapshot-type manual"
		say "  the connection to GitLab: $stays (the next stack takes it as ConnectionArn)"
		say "  task definitions and log lines that ECS and CodeBuild keep by themselves"
	fi
	;;
*) usage "$verb is none of dry-run, deploy, destroy" ;;
esac
