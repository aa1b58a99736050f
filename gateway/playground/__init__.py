"""The playground: the page that a browser is shown at ``/graphql``, its sources and how they are built (G2)."""
