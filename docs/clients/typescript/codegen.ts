import type { CodegenConfig } from '@graphql-codegen/cli'

const config: CodegenConfig = {
  schema: '../../../gateway/schema.graphql',
  documents: ['../../../gateway/examples/*.graphql'],
  importExtension: '.ts',
  generates: {
    './src/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        // The graph may add a value to an enum: code that compiles has a branch for one that it does not know.
        enumsAsTypes: true,
        futureProofEnums: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: {
          Date: 'string',
          DateTime: 'string',
          EmailAddress: 'string',
          ID: 'string',
          JSON: 'unknown',
          Long: 'number',
          PhoneNumber: 'string',
        },
      },
    },
  },
}

export default config
