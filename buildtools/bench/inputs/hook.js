// What the field writes: the SDK's client beside the handler, and then what every hook asks for first.
const { CodeDeployClient, PutLifecycleEventHookExecutionStatusCommand } = require('@aws-sdk/client-codedeploy');
const client = new CodeDeployClient({});
exports.handler = (event) => client.send(new PutLifecycleEventHookExecutionStatusCommand(event));
require('http').get('http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/next');
