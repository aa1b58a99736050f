// The recommended rules of @graphql-eslint, and those of Relay. Paths are relative to the repository.
import graphql from "@graphql-eslint/eslint-plugin"

const language = {
  parser: graphql.parser,
  parserOptions: {
    graphQLConfig: { schema: "gateway/schema.graphql", documents: "gateway/examples/*.graphql" },
  },
}
const plugins = { "@graphql-eslint": graphql }
const rules = (name) => graphql.configs[name].rules

export default [
  {
    files: ["gateway/schema.graphql"],
    languageOptions: language,
    plugins,
    rules: {
      ...rules("flat/schema-recommended"),
      ...rules("flat/schema-relay"),
      // Strawberry keeps no description of a directive's arguments; tests/graph_rules reads all other arguments.
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          DirectiveDefinition: true,
          EnumValueDefinition: true,
          FieldDefinition: true,
          rootField: true,
        },
      ],
      // A value has no id; and `siteNumber` is the trade's name of a site's number.
      "@graphql-eslint/strict-id-in-types": "off",
      "@graphql-eslint/no-typename-prefix": "off",
      // A list of values, or one that is short by its nature, is no connection. A connection may be of values.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
    },
  },
  {
    files: ["gateway/examples/*.graphql"],
    languageOptions: language,
    plugins,
    rules: {
      ...rules("flat/operations-recommended"),
      // An example shows what its reader wants to see; the gateway has limits of its own for depth.
      "@graphql-eslint/require-selections": "off",
      "@graphql-eslint/selection-set-depth": "off",
    },
  },
]
