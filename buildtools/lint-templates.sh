#!/bin/sh
# Lints the templates in four regions (.cfnlintrc), the gate alone in the other partitions, where the pipeline is not
# offered (they have no connections to GitLab), and both with each value of what makes another stack of them; cfn-lint
# looks at all conditions anyway. A laptop may be without cfn-lint; CI may not.
set -eu
if ! command -v cfn-lint >/dev/null 2>&1; then
	if [ -n "${CI:-}" ]; then
		echo "templates: cfn-lint is missing, and CI has to use it: pip install cfn-lint" >&2
		exit 1
	fi
	echo "templates: NOT LINTED: cfn-lint is missing (pip install cfn-lint); CI has it" >&2
	exit 0
fi
cfn-lint
cfn-lint --regions cn-north-1 cn-northwest-1 us-gov-east-1 us-gov-west-1 --template infra/gate.yml

# A start of cfn-lint takes longer than what it does then: all choices in one. A deployment file names a template and the
# values of its parameters.
choices=$(mktemp -d "${TMPDIR:-/tmp}/greenlight-lint.XXXXXX")
trap 'rm -rf "$choices"' EXIT
trap 'exit 130' INT TERM
with() { # TEMPLATE PARAMETER=VALUE...
	template=$1
	shift
	file=$choices/$template-$1-$2-${3:-}.yml # cfn-lint names it beside what it finds
	printf 'template-file-path: infra/%s.yml\nparameters:\n' "$template" >"$file"
	for parameter; do
		printf '  %s: "%s"\n' "${parameter%%=*}" "${parameter#*=}" >>"$file"
	done
}
with gate Controller=ecs SuiteBucket=suites
with gate Controller=both SuiteBucket=suites ApplicationName=a DeploymentGroupName=g Watch=true
for choice in 'codedeploy FARGATE BLUE_GREEN' 'ecs EC2 BLUE_GREEN' 'ecs FARGATE CANARY' 'ecs EC2 LINEAR'; do
	set -- $choice
	with bluegreen Controller=$1 LaunchType=$2 Strategy=$3 VpcId=vpc-00000000 \
		PublicSubnet1Id=subnet-00000001 PublicSubnet2Id=subnet-00000002 \
		PublicCidr=0.0.0.0/0 RepositoryId=group/project ToolsUri=s3://bucket/tools.tar.gz \
		ToolsSha256=0000000000000000000000000000000000000000000000000000000000000000
done
cfn-lint --regions us-east-1 --deployment-files "$choices"/*.yml
