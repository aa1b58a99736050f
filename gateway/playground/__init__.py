"""The playground: the page for browsers at ``/graphql``, its sources and their build (G2)."""
