// The SDK's three paginators, which go on for as long as there is a marker.
import { client, given, print, sdk } from "./sdk.mjs";

async function all(pages, member) {
  const found = [];
  for await (const page of pages) {
    found.push(page[member]);
  }
  return found;
}

const { pipelineId } = given;
const config = { client, pageSize: 40 };
const query = { pipelineId, sphere: "INSTANCE" };
const ids = await all(sdk.paginateQueryObjects(config, query), "ids");
const none = { selectors: [{ fieldName: "@status", operator: { type: "EQ", values: ["FAILED"] } }] };
const empty = await all(sdk.paginateQueryObjects(config, { ...query, query: none }), "ids");
const described = { pipelineId, objectIds: ids.flat() };
const objects = await all(sdk.paginateDescribeObjects({ client }, described), "pipelineObjects");
const pipelines = await all(sdk.paginateListPipelines({ client }, {}), "pipelineIdList");
print({ ids, empty, objects: objects.map((page) => page.map(({ id }) => id)), pipelines });
