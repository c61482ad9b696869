"""Roles and options of a real network: prefixes by blog, super admins."""

import pytest
from sqlalchemy import create_engine

from tests.wp_schema.wordpress.exchange import CAPABILITIES
from wp_schema import meta, options, php, roles
from wp_schema.tables import bind_prefix

WRITTEN = """
    $known = %s;
    $user  = get_user_by( 'login', 'student' );
    $root  = get_user_by( 'login', 'editor1' );
    grant_super_admin( $root->ID );
    add_user_to_blog( 2, $user->ID, 'author' );
    $answer = array(
        'user_id' => $user->ID,
        'admins'  => get_super_admins(),
    );
    foreach ( array( 1, 2 ) as $blog ) {
        switch_to_blog( $blog );
        add_role( "only_on_$blog", 'Test', array( 'learnomy_grade' => true ) );
        $member = new WP_User( $user->ID );
        $member->add_role( 'only_on_2' );
        $answer['blogs'][] = array(
            'roles'      => array_values( $member->roles ),
            'can'        => array_values( array_filter( $known, fn( $cap ) => user_can( $member->ID, $cap ) ) ),
            'super_can'  => array_values( array_filter( $known, fn( $cap ) => user_can( $root->ID, $cap ) ) ),
            'blogname'   => get_option( 'blogname' ),
        );
        restore_current_blog();
    }
    return $answer;
"""


@pytest.mark.wordpress("7.1")
def test_a_network_is_read_as_wordpress_reads_it(network):
    known = "array( " + ", ".join(f"'{name}'" for name in CAPABILITIES) + " )"
    theirs = network.php(WRITTEN % known)
    for number, judged in enumerate(theirs["blogs"], 1):
        blog_prefix = "wp_" if number == 1 else f"wp_{number}_"
        engine = bind_prefix(create_engine(network.database_url), lambda prefix=blog_prefix: ("wp_", prefix))
        with engine.connect() as connection:
            names = [roles.roles_option(blog_prefix), "blogname"]
            found = options.read(connection.execute, names)
            key = roles.capabilities_key(blog_prefix)
            own = meta.read(connection.execute, theirs["user_id"], [key])[key]
            admins = options.read_network(connection.execute, [roles.SUPER_ADMINS_OPTION])
        engine.dispose()
        every = roles.parse_roles(php.to_text(found[names[0]]))
        held, granted = every.capabilities_of(php.to_text(own))
        assert list(held) == judged["roles"]
        assert [name for name in CAPABILITIES if name in granted] == judged["can"]
        everything = every.all_capabilities()
        assert everything >= set(roles.LEARNOMY_CAPABILITIES)
        assert [name for name in CAPABILITIES if name in everything] == [
            name for name in judged["super_can"] if name in everything
        ]
        assert found["blogname"] == judged["blogname"]
        assert roles.super_admins_of(admins[roles.SUPER_ADMINS_OPTION]) == set(theirs["admins"]) > {"editor1"}
    assert theirs["blogs"][0]["roles"] != theirs["blogs"][1]["roles"]
