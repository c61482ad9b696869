// Posts as a site has them: an author, an excerpt, categories and tags. Run in the loaded WordPress; safe to run twice.
global $wpdb;
$have = (int) wp_count_posts()->publish;
if ( $have >= WANTED ) {
	return $have;
}
wp_defer_term_counting( true );
wp_suspend_cache_invalidation( true );
$words   = preg_split( '/\s+/', 'the course of a river changes with every season and those who live beside it learn to read its moods in spring it carries branches and silt from the hills in summer children build small dams of stones and in autumn leaves gather behind them until the first heavy rain opens the way again' );
$authors = get_users( array( 'fields' => 'ID', 'number' => 5 ) );
$terms   = array( 'category' => array(), 'post_tag' => array() );
foreach ( array( 'category' => 6, 'post_tag' => 10 ) as $taxonomy => $count ) {
	for ( $n = 0; $n < $count; $n++ ) {
		$made                 = wp_insert_term( "Bench $taxonomy $n", $taxonomy );
		$terms[ $taxonomy ][] = is_wp_error( $made ) ? (int) $made->get_error_data() : $made['term_id'];
	}
}
for ( $n = $have; $n < WANTED; $n++ ) {
	mt_srand( $n );
	$paragraphs = array();
	for ( $p = 0; $p < 3; $p++ ) {
		shuffle( $words );
		$paragraphs[] = '<!-- wp:paragraph --><p>' . ucfirst( implode( ' ', $words ) ) . '.</p><!-- /wp:paragraph -->';
	}
	$id = wp_insert_post(
		array(
			'post_title'   => 'What the river taught, part ' . $n,
			'post_content' => implode( "\n\n", $paragraphs ),
			'post_excerpt' => ucfirst( implode( ' ', array_slice( $words, 0, 30 ) ) ) . '.',
			'post_status'  => 'publish',
			'post_author'  => $authors[ $n % count( $authors ) ],
			'post_date'    => gmdate( 'Y-m-d H:i:s', time() - 3600 * ( $n + 1 ) ),
		)
	);
	wp_set_object_terms( $id, array( $terms['category'][ $n % 6 ] ), 'category' );
	wp_set_object_terms( $id, array( $terms['post_tag'][ $n % 10 ], $terms['post_tag'][ ( $n + 3 ) % 10 ] ), 'post_tag' );
}
wp_defer_term_counting( false );
return (int) $wpdb->get_var( "SELECT COUNT(*) FROM $wpdb->posts WHERE post_type = 'post' AND post_status = 'publish'" );
